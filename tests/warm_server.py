"""The server behind `warm.Warm`: imports everything once, then forks a process for each request."""

import contextlib
import ctypes
import gc
import importlib
import itertools
import json
import mmap
import os
import pkgutil
import resource
import select
import signal
import socket
import sys
import tempfile
import traceback
from dataclasses import dataclass

import genometracks

STEPS = "pwrite pread truncate fsync chmod replace rename unlink mkdir rmdir open utime".split()
"""Functions of `os` by which a run changes files."""
LATE = "snakemake.cli pandas pyarrow.dataset torch._dynamo".split()
LATE.append("torch.fx.experimental.symbolic_shapes")
"""Modules that a run imports only when it needs them."""
PR_CAPBSET_DROP = 24


@dataclass
class Child:
    """A process of a request: connection to the caller, count of steps, pipe of its stderr."""

    link: socket.socket
    steps: mmap.mmap
    out: int
    process: int


def serve(address: str) -> None:
    """Import everything, then answer requests on a socket until the process is terminated."""
    rooms = pkgutil.walk_packages(genometracks.__path__, "genometracks.")
    for name in [*(module.name for module in rooms), *LATE]:
        importlib.import_module(name)
    gc.freeze()  # the collector of a forked process need not search, and so copy, what was imported
    children: dict[int, Child] = {}
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        print("ready", flush=True)
        while True:
            links = {child.link: descriptor for descriptor, child in children.items()}
            for ready in select.select([server, *children, *links], [], [])[0]:
                if ready is server:
                    children |= start(server)
                elif ready in children:
                    answer(children.pop(ready))
                    os.close(ready)
                elif links[ready] in children:  # closed: the caller was killed
                    signal.pidfd_send_signal(links[ready], signal.SIGKILL)


def start(server: socket.socket) -> dict[int, Child]:
    """Fork a process for the next request; return its descriptor -> what is known of it."""
    link, _ = server.accept()
    text, streams = read_request(link)
    if not text.endswith(b"\n"):  # the caller was killed before it had sent its request
        for descriptor in (link.detach(), *streams):
            os.close(descriptor)
        return {}
    request = json.loads(text)
    steps = mmap.mmap(-1, 8)
    out, err = os.pipe()
    process = os.fork()
    if not process:
        for target, stream in enumerate(streams or [0, 1, err]):
            os.dup2(stream, target)
        os._exit(run(request, steps))
    for descriptor in (err, *streams):
        os.close(descriptor)
    return {os.pidfd_open(process): Child(link, steps, out, process)}


def read_request(link: socket.socket) -> tuple[bytes, list[int]]:
    """Read a request, and the caller's standard streams if it sent them."""
    text, streams, _, _ = socket.recv_fds(link, 1 << 16, 3)
    while not text.endswith(b"\n") and (more := link.recv(1 << 16)):
        text += more
    return text, list(streams)


def answer(child: Child) -> None:
    """Send the caller how its process ended."""
    status = os.waitstatus_to_exitcode(os.waitpid(child.process, 0)[1])
    os.set_blocking(child.out, False)
    try:
        err = os.read(child.out, 1 << 16).decode()
    except BlockingIOError:  # nothing was written, and a child of the process is still alive
        err = ""
    os.close(child.out)
    ended = {"status": status, "steps": int.from_bytes(child.steps[:8], "little"), "err": err}
    with contextlib.suppress(BrokenPipeError):  # the caller was killed
        child.link.sendall(json.dumps(ended).encode() + b"\n")
    child.link.close()


def run(request: dict, steps: mmap.mmap) -> int:
    """Run a request's commands in this process; return the exit status."""
    os.chdir(request.get("folder", "/"))
    if "limit" in request:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["limit"],) * 2)
    if "seconds" in request:
        signal.setitimer(signal.ITIMER_REAL, request["seconds"])  # ends it as SIGKILL does
    if request.get("heed"):
        drop_capabilities()
    if "program" in request:
        enter(request)
    if "program" not in request or "at" in request:
        count_steps(steps, request)
    program = importlib.import_module(f"{request.get('program', 'genometracks')}.cli")
    try:
        return int(any(program.main(words) for words in request["commands"]))
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


def enter(request: dict) -> None:
    """Take over the environment and the arguments of a caller's process."""
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv[:] = [request["program"], *request["commands"][0]]
    tempfile.tempdir = None  # depends on the environment


def count_steps(steps: mmap.mmap, request: dict) -> None:
    """Count this process's calls of STEPS, or of some; kill or hold it at one, or let that fail."""
    numbers, process = itertools.count(1), os.getpid()
    at, after = request.get("at", 0), request.get("after", False)

    def stop(place: object) -> None:
        if "error" in request:
            path = None if isinstance(place, int) else place
            raise OSError(request["error"], os.strerror(request["error"]), path)
        if "hold" not in request:
            os.kill(process, signal.SIGKILL)
        with open(request["hold"]) as pipe:
            pipe.read()

    def counted(function):
        def step(*args, **keywords):
            number = next(numbers) if os.getpid() == process else None
            if number == at and not after:
                stop(args[0])
            try:
                return function(*args, **keywords)
            finally:
                if number == at and after:
                    stop(args[0])
                if number:
                    last = max(number, int.from_bytes(steps[:8], "little"))
                    steps[:8] = last.to_bytes(8, "little")

        return step

    for name in request.get("only", STEPS):
        setattr(os, name, counted(getattr(os, name)))


def drop_capabilities() -> None:
    """Let the permissions of files bind root, and programs that it starts, as they bind others."""
    library = ctypes.CDLL(None, use_errno=True)
    for capability in range(64):
        library.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    head = (ctypes.c_uint32 * 2)(0x20080522, 0)
    if library.capset(head, (ctypes.c_uint32 * 6)()):
        raise OSError(ctypes.get_errno(), "capset")


if __name__ == "__main__":
    serve(sys.argv[1])
