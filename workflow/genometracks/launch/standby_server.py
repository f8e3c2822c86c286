"""A process that has imported the program, and forks a process for each job: `standby` starts it.

Importing takes most of the time of a light job: PyTorch alone needs more than a second. The forked
process has the folder, the environment, the standard streams and the process group of its caller,
the `genometracks` of `standby`, which passes signals on to it. It ends when its caller is killed.

Ends of processes are noticed by SIGCHLD: a pidfd needs Linux 5.3, and a Python built for it.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import shutil
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from genometracks.common.stops import SIGNALS, exit_now, exit_status

__all__ = ["serve"]

FIRST = ("inputs", "plan", "tracks", "shards", "bigwig", "export", "preflight", "predict")
"""Rooms in the order in which a run needs them; the others follow."""
WITHOUT = ("genometracks.cli", "genometracks.launch")
FURTHER = ("pyarrow.dataset", "grelu_models.measure")
"""Modules that are imported inside functions."""
REQUEST = 1 << 24
"""Bytes of the largest request: arguments and environment, which the system limits."""
PATIENCE = 10.0
"""Seconds within which a caller sends its request, and reads an answer."""
DIE_WITH_PARENT = 1
FORMER: dict[int, Any] = {}
"""Handlers of signals, as this process was started."""

Jobs = dict[int, socket.socket | None]
"""Process of a job -> connection to its caller; None once the caller has been killed."""


@dataclass(frozen=True)
class Standby:
    """What this process watches.

    Attributes
    ----------
    server : socket
        Requests.
    alive : int
        File descriptor that is closed when the starting process ends.
    ended : int
        File descriptor in which there is a byte when a process has ended.
    jobs : dict
    """

    server: socket.socket
    alive: int
    ended: int
    jobs: Jobs


def serve(address: str, alive: int) -> None:
    """Import the program, and answer requests until the starting process has ended.

    Parameters
    ----------
    address : str
        Path of the socket.
    alive : int
        File descriptor that is closed when the starting process ends.
    """
    for number in SIGNALS:  # they are for the jobs
        FORMER[number] = signal.signal(number, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen(128)
        standby = Standby(server, alive, _watch_ends(), {})
        for name in list_modules():
            with contextlib.suppress(Exception):  # a job that needs it reports the error
                importlib.import_module(name)
            _answer(standby, wait=0)
        gc.collect()
        gc.freeze()  # a forked process neither searches nor copies what was imported
        while _answer(standby, wait=None):
            pass
    shutil.rmtree(Path(address).parent, ignore_errors=True)
    while _end_jobs(standby):  # the last ones go on
        select.select([standby.ended], [], [])


def _watch_ends() -> int:
    """Let each end of a process write a byte, and return the descriptor to read it from."""
    ended, writer = os.pipe()
    for descriptor in (ended, writer):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    return ended


def list_modules() -> Iterator[str]:
    """Names of the modules that jobs import, in the order in which jobs need them."""
    import genometracks

    found = [each.name for each in pkgutil.walk_packages(genometracks.__path__, "genometracks.")]
    rooms = [name for name in found if not name.startswith(WITHOUT)]
    yield "genometracks.commands.table"
    for room in FIRST:
        yield from (name for name in rooms if name.split(".")[1] == room)
    yield from FURTHER
    yield from rooms


def _answer(standby: Standby, *, wait: float | None) -> bool:
    """Start and end jobs; False once the starting process has ended."""
    links = [link for link in standby.jobs.values() if link]
    watched: list[socket.socket | int] = [standby.server, standby.alive, standby.ended, *links]
    for ready in select.select(watched, [], [], wait)[0]:
        if ready is standby.server:
            _start(standby)
        elif ready == standby.alive:
            return False
        elif not isinstance(ready, int):  # closed: the caller was killed, unless its job has ended
            _kill(standby.jobs, ready)
    _end_jobs(standby)
    return True


def _start(standby: Standby) -> None:
    """Fork the process of the next request; a caller without an answer runs its command itself."""
    link, _ = standby.server.accept()
    link.settimeout(PATIENCE)
    text = b""
    streams: list[int] = []
    try:
        text, streams, _, _ = socket.recv_fds(link, 1 << 16, 3)
        while text and not text.endswith(b"\n") and len(text) < REQUEST:
            more = link.recv(1 << 16)
            text = text + more if more else b""
    except OSError:
        text = b""
    if text.endswith(b"\n") and len(streams) == 3:
        _fork(standby, link, text, streams)
    else:  # the caller was killed, or waits
        link.close()
    for descriptor in streams:
        os.close(descriptor)


def _fork(standby: Standby, link: socket.socket, text: bytes, streams: list[int]) -> None:
    parent = os.getpid()
    try:
        process = os.fork()
    except OSError:  # no memory, or too many processes
        link.close()
        return
    if not process:
        for opened in (standby.server, link, *standby.jobs.values()):
            if opened:
                opened.close()
        _run(text, streams, parent)
    standby.jobs[process] = link
    with contextlib.suppress(OSError):
        link.sendall(b"%d\n" % process)


def _kill(jobs: Jobs, link: socket.socket) -> None:
    """Kill the job whose caller has closed its connection."""
    for process, other in jobs.items():
        if other is link:
            os.kill(process, signal.SIGKILL)  # not reaped yet: no other process has its number
            jobs[process] = None
            link.close()


def _end_jobs(standby: Standby) -> bool:
    """Report to the callers of jobs how they ended; return whether some still run."""
    with contextlib.suppress(BlockingIOError):
        os.read(standby.ended, 1 << 12)
    for process in list(standby.jobs):
        number, ended = os.waitpid(process, os.WNOHANG)
        if not number:
            continue
        link, status = standby.jobs.pop(process), os.waitstatus_to_exitcode(ended)
        if link:
            with contextlib.suppress(OSError):
                link.sendall(b"%d\n" % (exit_status(-status) if status < 0 else status))
            link.close()
    return bool(standby.jobs)


def _run(request: bytes, streams: list[int], parent: int) -> NoReturn:
    """Run a command in this process, as its caller asked for it; never returns."""
    status = 1
    try:
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
        _enter(json.loads(request), streams)
        runpy.run_module("genometracks.cli", run_name="__main__")
    except KeyboardInterrupt:  # before the command handles signals
        status = exit_status(signal.SIGINT)
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        exit_now(status)


def _enter(request: dict[str, Any], streams: list[int]) -> None:
    """Take over what a process has from its caller."""
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    with contextlib.suppress(OSError):  # the caller's group has ended
        os.setpgid(0, request["group"])
    os.umask(request["umask"])
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv[:] = ["genometracks", *request["words"]]
    tempfile.tempdir = None  # depends on the environment
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, handler in FORMER.items():  # a signal that is ignored (`nohup`) stays so
        signal.signal(number, handler)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
