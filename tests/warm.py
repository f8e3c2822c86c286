"""Runs of the command line in processes of their own that start at once, and may come to harm.

A server that has imported everything (torch takes seconds) forks a process for each run: it is
killed at a chosen step or after a time, meets a full disk, or may not write where permissions say
so. Nothing of the server's state can leak from one run to the next.
"""

import ctypes
import gc
import importlib
import itertools
import json
import mmap
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path

STEPS = "pwrite pread truncate fsync chmod replace rename unlink mkdir rmdir open utime".split()
"""Functions of `os` through which a run leaves its traces."""
LATE = ["genometracks.cli", "pandas", "torch.fx.experimental.symbolic_shapes", "torch._dynamo"]

SCRIPT = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as link:
    link.connect({address!r})
    request = {{"commands": [sys.argv[1:]], "folder": os.getcwd()}}
    link.sendall(json.dumps(request).encode() + b"\\n")
    answer = json.loads(link.makefile().readline())
sys.stderr.write(answer["err"])
sys.exit(answer["status"])
"""


@dataclass
class Ended:
    """How a run ended: exit status (below 0: killed), steps done, what it said."""

    status: int
    steps: int
    err: str


class Warm:
    """The server, and the way to ask it; a context manager."""

    def __enter__(self) -> "Warm":
        self._folder = tempfile.TemporaryDirectory()  # a socket's name must be short
        self.address = f"{self._folder.name}/socket"
        single = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
        self._server = subprocess.Popen(
            [sys.executable, __file__, self.address],
            env={**os.environ, **single, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdout=subprocess.PIPE,
        )
        assert self._server.stdout.readline() == b"ready\n"
        return self

    def __exit__(self, *_) -> None:
        self._server.terminate()
        self._server.wait()
        self._server.stdout.close()
        self._folder.cleanup()

    def run(self, *commands: list[str], **how) -> Ended:
        """Run commands one after another until one fails.

        Parameters
        ----------
        commands : lists of str
            Words of the command line.
        how : dict
            `at` and `after`: number of the step before (after) which the process is killed, or
            waits until the named pipe `hold` was opened and closed by a writer;
            `seconds` after which it is killed; `limit`: bytes that a file may have;
            `heed`: root's permissions are those of any user; `folder` to work in.
        """
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(self.address)
            link.sendall(json.dumps({"commands": commands, **how}).encode() + b"\n")
            return Ended(**json.loads(link.makefile().readline()))

    def install(self, folder: Path) -> Path:
        """Write a `genometracks` that runs here; return its folder, for PATH."""
        folder.mkdir()
        script = folder / "genometracks"
        script.write_text(SCRIPT.format(python=sys.executable, address=self.address))
        script.chmod(0o755)
        return folder


def _answer(server: socket.socket, runs: dict) -> None:
    """Fork a process for a request."""
    link, _ = server.accept()
    request = json.loads(link.makefile().readline())
    steps = mmap.mmap(-1, 8)
    out, err = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(err, 2)
        os._exit(_run(request, steps))
    os.close(err)
    runs[os.pidfd_open(child)] = link, steps, out, child


def _close(link: socket.socket, steps: mmap.mmap, out: int, child: int) -> None:
    """Tell how a process ended."""
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.set_blocking(out, False)
    try:
        err = os.read(out, 1 << 16).decode()
    except BlockingIOError:  # nothing was said, and a process of its own lives on
        err = ""
    os.close(out)
    answer = {"status": status, "steps": int.from_bytes(steps[:8], "little"), "err": err}
    link.sendall(json.dumps(answer).encode() + b"\n")
    link.close()


def _run(request: dict, steps: mmap.mmap) -> int:
    from genometracks.cli import main

    os.chdir(request.get("folder", "/"))
    if "limit" in request:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["limit"],) * 2)
    if "seconds" in request:
        signal.setitimer(signal.ITIMER_REAL, request["seconds"])  # ends it as SIGKILL does
    if request.get("heed"):
        _drop_capabilities()
    _count_steps(steps, request)
    try:
        return int(any(main(words) for words in request["commands"]))
    except BaseException:
        traceback.print_exc()
        return 3
    finally:
        sys.stderr.flush()


def _count_steps(steps: mmap.mmap, request: dict) -> None:
    """Count the calls of STEPS by this process; end or hold it before, or after, one of them."""
    numbers, process = itertools.count(1), os.getpid()
    at, after = request.get("at", 0), request.get("after", False)

    def stop() -> None:
        if "hold" not in request:
            os.kill(process, signal.SIGKILL)
        with open(request["hold"]) as pipe:
            pipe.read()

    def counted(function):
        def step(*args, **keywords):
            number = next(numbers) if os.getpid() == process else None
            if number == at and not after:
                stop()
            try:
                return function(*args, **keywords)
            finally:
                if number == at and after:
                    stop()
                if number:
                    last = max(number, int.from_bytes(steps[:8], "little"))
                    steps[:8] = last.to_bytes(8, "little")

        return step

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))


def _drop_capabilities() -> None:
    """Let root be stopped by a folder's permissions, as its owner."""
    head = (ctypes.c_uint32 * 2)(0x20080522, 0)
    if ctypes.CDLL(None, use_errno=True).capset(head, (ctypes.c_uint32 * 6)()):
        raise OSError(ctypes.get_errno(), "capset")


def serve(address: str) -> None:
    """Import everything, also what torch and pyarrow import late; fork a process a request."""
    stages = "export.bigwigs export.manifest export.parquet evaluation.draw inputs.model plan.plan"
    stages += " predict.predict shards.merge tracks.selection"
    for module in [f"genometracks.{stage}" for stage in stages.split()] + LATE:
        importlib.import_module(module)
    gc.freeze()  # what was imported is neither searched nor copied in the processes
    runs: dict = {}
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        print("ready", flush=True)
        while True:
            for descriptor in select.select([server, *runs], [], [])[0]:
                if descriptor is server:
                    _answer(server, runs)
                else:
                    _close(*runs.pop(descriptor))
                    os.close(descriptor)


if __name__ == "__main__":
    serve(sys.argv[1])
