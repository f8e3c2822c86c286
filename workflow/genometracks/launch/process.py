"""Snakemake in a process of its own, its output in a file, and its events in a pipe.

The process is forked before this one has any thread: it need not import again what both use. It
leads a session, so that Ctrl-C reaches it and its jobs only through this program, and it ends when
this program is killed.
"""

import os
import select
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import NoReturn

from genometracks.common.stops import exit_status
from genometracks.launch.events import Event, read_event
from genometracks.launch.standby import stand_by

BLOCK = 1 << 16
GRACE = 5.0
"""Seconds that jobs have to end after Snakemake itself has ended."""


class Snakemake:
    """A running Snakemake process.

    Parameters
    ----------
    words : sequence of str
        Arguments of its command line.
    log : Path
        File for all that it prints.
    standby : bool
        Whether its jobs are forked from a process that has imported the program (`stand_by`), if
        they run on this machine. Default is False.

    It inherits the open files of this process, and with them the locks of runs; its jobs do not.
    """

    def __init__(self, words: Sequence[str], *, log: Path, standby: bool = False) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        self._events, events = os.pipe()
        life, self._life = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if not self.pid:
            os.close(self._events)
            os.close(self._life)
            _become_snakemake(words, output=output, events=events, life=life, standby=standby)
        for descriptor in (output, events, life):
            os.close(descriptor)
        self.status: int | None = None

    def watch(self, seconds: float) -> Iterator[Event | None]:
        """Yield events until the process has ended, and None about every `seconds`."""
        rest, due = b"", time.monotonic() + seconds
        while True:
            wait = max(0.0, due - time.monotonic())
            if select.select([self._events], [], [], wait)[0]:
                data = os.read(self._events, BLOCK)
                if not data:
                    break
                *lines, rest = (rest + data).split(b"\n")
                yield from (event for event in map(read_event, lines) if event)
            if time.monotonic() >= due:
                yield None
                due = time.monotonic() + seconds
        self.wait()

    def wait(self) -> int:
        """Wait for the process to end; return its exit status, negative if a signal ended it."""
        if self.status is None:
            _, ended = os.waitpid(self.pid, 0)
            self.status = os.waitstatus_to_exitcode(ended)
            if self.status:
                self._end_jobs()
            os.close(self._life)
            os.close(self._events)
        return self.status

    def send(self, number: int) -> None:
        """Send a signal to the process and its local jobs."""
        if self.status is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def interrupt(self) -> None:
        """Interrupt the process unless it has ended, and wait for it."""
        self.send(signal.SIGINT)
        self.wait()

    def _end_jobs(self) -> None:
        """End jobs that are left, as after Snakemake was killed."""
        end = time.monotonic() + GRACE
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGTERM)
            while time.monotonic() < end:
                os.killpg(self.pid, 0)
                time.sleep(0.05)
            os.killpg(self.pid, signal.SIGKILL)


def _become_snakemake(
    words: Sequence[str], *, output: int, events: int, life: int, standby: bool
) -> NoReturn:
    """Run Snakemake in this process, which is forked, and end it."""
    status = 1
    try:
        os.setsid()
        source = os.open(os.devnull, os.O_RDONLY)
        for descriptor, target in ((source, 0), (output, 1), (output, 2)):
            os.dup2(descriptor, target)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)
        threading.Thread(target=_end_with_parent, args=(life,), daemon=True).start()
        with stand_by() if standby else nullcontext() as tools, _make_cache() as cache:
            if tools:
                os.environ["PATH"] = os.pathsep.join([str(tools), os.environ.get("PATH", "")])
            status = _run_snakemake(["--runtime-source-cache-path", cache, *words], events)
    except KeyboardInterrupt:
        status = exit_status(signal.SIGINT)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(status)


def _make_cache() -> tempfile.TemporaryDirectory[str]:
    """A folder for Snakemake's copies of its own files, which it would leave in the user's cache.

    It deletes them when its interpreter ends, which the forked process never does. Jobs on other
    machines read them: they are in the working folder.
    """
    parent = Path(".snakemake").absolute()
    parent.mkdir(exist_ok=True)
    return tempfile.TemporaryDirectory(dir=parent, prefix="sources-", ignore_cleanup_errors=True)


def _run_snakemake(words: list[str], events: int) -> int:
    from snakemake.cli import main  # type: ignore[import-untyped]  # it has no type hints
    from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

    from genometracks.launch import plugin

    os.environ[plugin.VARIABLE] = str(events)
    LoggerPluginRegistry().register_plugin(plugin.MODULE, plugin)
    sys.argv[:] = ["snakemake", *words]
    try:
        main(words)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else _print_reason(ended.code)
    return 0


def _print_reason(reason: object) -> int:
    """Print the reason with which Snakemake ended, as Python does; return the exit status."""
    if reason is not None:
        print(reason, file=sys.stderr)
    return 0 if reason is None else 1


def _end_with_parent(life: int) -> None:
    """Interrupt Snakemake and its jobs, as Ctrl-C does, when the parent was killed."""
    with suppress(OSError):
        while os.read(life, 1):
            pass
    os.killpg(0, signal.SIGINT)
