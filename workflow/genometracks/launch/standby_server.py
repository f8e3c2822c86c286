"""A process that has imported the program, and forks a process for each job: `standby` starts it.

Importing takes most of the time of a light job: PyTorch alone needs more than a second. The forked
process has the folder, the environment, the standard streams and the process group of its caller,
the `genometracks` of `standby`, which passes signals on to it. It ends when its caller is killed.
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
DIE_WITH_PARENT = 1
FORMER: dict[int, Any] = {}
"""Handlers of signals, as this process was started."""


@dataclass(frozen=True)
class Job:
    """The process of a job, and the connection to its caller."""

    process: int
    link: socket.socket


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
        jobs: dict[int, Job] = {}
        for name in list_modules():
            importlib.import_module(name)
            _answer(server, alive, jobs, wait=0)
        gc.collect()
        gc.freeze()  # a forked process neither searches nor copies what was imported
        while _answer(server, alive, jobs, wait=None):
            pass
    shutil.rmtree(Path(address).parent, ignore_errors=True)
    while jobs:  # the last ones go on
        _end(jobs, select.select(list(jobs), [], [])[0][0])


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


def _answer(server: socket.socket, alive: int, jobs: dict[int, Job], *, wait: float | None) -> bool:
    """Start and end jobs; False once the starting process has ended."""
    watched: list[socket.socket | int] = [server, alive, *jobs]
    watched += [job.link for job in jobs.values()]
    for ready in select.select(watched, [], [], wait)[0]:
        if ready is server:
            _start(server, jobs)
        elif ready == alive:
            return False
        elif isinstance(ready, int):
            _end(jobs, ready)
        else:  # closed: the caller was killed, unless the job has just ended
            for descriptor, job in jobs.items():
                if job.link is ready:
                    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    return True


def _start(server: socket.socket, jobs: dict[int, Job]) -> None:
    """Fork the process of the next request."""
    link, _ = server.accept()
    text, streams, _, _ = socket.recv_fds(link, 1 << 16, 3)
    while text and not text.endswith(b"\n") and len(text) < REQUEST:
        more = link.recv(1 << 16)
        text = text + more if more else b""
    if not text.endswith(b"\n") or len(streams) != 3:  # the caller was killed
        for descriptor in (link.detach(), *streams):
            os.close(descriptor)
        return
    parent = os.getpid()
    process = os.fork()
    if not process:
        for opened in (server, link, *(job.link for job in jobs.values())):
            opened.close()
        _run(json.loads(text), list(streams), parent)
    for descriptor in streams:
        os.close(descriptor)
    jobs[os.pidfd_open(process)] = Job(process, link)
    with contextlib.suppress(OSError):
        link.sendall(b"%d\n" % process)


def _end(jobs: dict[int, Job], descriptor: int) -> None:
    """Tell the caller of a job how it ended."""
    job = jobs.pop(descriptor)
    status = os.waitstatus_to_exitcode(os.waitpid(job.process, 0)[1])
    os.close(descriptor)
    with contextlib.suppress(OSError):
        job.link.sendall(b"%d\n" % (exit_status(-status) if status < 0 else status))
    job.link.close()


def _run(request: dict[str, Any], streams: list[int], parent: int) -> NoReturn:
    """Run a command in this process, as its caller asked for it; never returns."""
    status = 1
    try:
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
        _enter(request, streams)
        runpy.run_module("genometracks.cli", run_name="__main__")
    except KeyboardInterrupt:  # before the command heeds signals itself
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
    for number, handler in FORMER.items():  # a signal that is ignored (`nohup`) stays so
        signal.signal(number, handler)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
