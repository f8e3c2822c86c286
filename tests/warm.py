"""Runs of the command line in processes of their own that start at once, and may come to harm.

A server that has imported everything (torch takes seconds) forks a process for each run: it is
killed at a chosen step or after a time, meets a full disk, or may not write where permissions say
so. Nothing of the server's state can leak from one run to the next.
"""

import contextlib
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
LATE = "genometracks.cli snakemake.cli pandas pyarrow.dataset torch._dynamo".split()
LATE.append("torch.fx.experimental.symbolic_shapes")

SCRIPT = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as link:
    link.connect({address!r})
    request = {{"program": {program!r}, "commands": [sys.argv[1:]], "folder": os.getcwd()}}
    request["environment"] = dict(os.environ)
    socket.send_fds(link, [json.dumps(request).encode() + b"\\n"], [0, 1, 2])
    sys.exit(json.loads(link.makefile().readline())["status"])
"""
PROGRAMS = {"genometracks": "genometracks.cli", "snakemake": "snakemake.cli"}
"""Programs that can be run, and the modules of their functions `main`."""


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
        """Write a `genometracks` and a `snakemake` that run in the server; return their folder.

        They work in the caller's folder, with its environment and its standard streams, and end
        when the caller ends.
        """
        folder.mkdir()
        for program in PROGRAMS:
            script = folder / program
            names = {"python": sys.executable, "address": self.address, "program": program}
            script.write_text(SCRIPT.format(**names))
            script.chmod(0o755)
        return folder


@dataclass
class _Child:
    """A process of a request: who waits for it, its steps and what it wrote to stderr."""

    link: socket.socket
    steps: mmap.mmap
    out: int
    process: int


def _read_request(link: socket.socket) -> tuple[dict, list[int]]:
    """A request and the streams that came with it."""
    text, streams, _, _ = socket.recv_fds(link, 1 << 16, 3)
    while not text.endswith(b"\n"):
        text += link.recv(1 << 16)
    return json.loads(text), streams


def _start(server: socket.socket) -> tuple[int, _Child]:
    """Fork a process for a request; return its descriptor, too."""
    link, _ = server.accept()
    request, streams = _read_request(link)
    steps = mmap.mmap(-1, 8)
    out, err = os.pipe()
    child = os.fork()
    if not child:
        for target, stream in enumerate(streams or [0, 1, err]):
            os.dup2(stream, target)
        os._exit(_run(request, steps))
    for descriptor in (err, *streams):
        os.close(descriptor)
    return os.pidfd_open(child), _Child(link, steps, out, child)


def _answer(child: _Child) -> None:
    """Report how a process ended."""
    status = os.waitstatus_to_exitcode(os.waitpid(child.process, 0)[1])
    os.set_blocking(child.out, False)
    try:
        err = os.read(child.out, 1 << 16).decode()
    except BlockingIOError:  # nothing was written, and a child of the process lives on
        err = ""
    os.close(child.out)
    answer = {"status": status, "steps": int.from_bytes(child.steps[:8], "little"), "err": err}
    with contextlib.suppress(BrokenPipeError):  # the caller was killed
        child.link.sendall(json.dumps(answer).encode() + b"\n")
    child.link.close()


def _run(request: dict, steps: mmap.mmap) -> int:
    """Exit status of a request's commands, which run in this process."""
    main = importlib.import_module(PROGRAMS[request.get("program", "genometracks")]).main
    os.chdir(request.get("folder", "/"))
    if "environment" in request:
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.argv[:] = [request["program"], *request["commands"][0]]
        tempfile.tempdir = None  # is determined anew
    if "limit" in request:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["limit"],) * 2)
    if "seconds" in request:
        signal.setitimer(signal.ITIMER_REAL, request["seconds"])  # ends it as SIGKILL does
    if request.get("heed"):
        _drop_capabilities()
    if "environment" not in request:
        _count_steps(steps, request)
    try:
        return int(any(main(words) for words in request["commands"]))
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
            return 1
        return ended.code or 0
    except BaseException:
        traceback.print_exc()
        return 3
    finally:
        sys.stdout.flush()
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
    stages = "export.bigwigs export.manifest export.parquet evaluation.draw evaluation.evaluate"
    stages += " evaluation.figures export.summary graph.runs graph.slurm inputs.genome inputs.model"
    stages += " plan.make plan.plan predict.predict preflight.probe shards.merge status.report"
    stages += " tracks.selection"
    for module in [f"genometracks.{stage}" for stage in stages.split()] + LATE:
        importlib.import_module(module)
    gc.freeze()  # what was imported is neither searched nor copied in the processes
    children: dict[int, _Child] = {}
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        print("ready", flush=True)
        while True:
            links = {child.link: descriptor for descriptor, child in children.items()}
            for found in select.select([server, *children, *links], [], [])[0]:
                if found is server:
                    descriptor, child = _start(server)
                    children[descriptor] = child
                elif found in children:
                    _answer(children.pop(found))
                    os.close(found)
                elif links[found] in children:  # its caller was killed
                    signal.pidfd_send_signal(links[found], signal.SIGKILL)


if __name__ == "__main__":
    serve(sys.argv[1])
