"""Measurement of whole processes, and the line of versions that heads a result."""

import multiprocessing
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
# First on the path: the installed packages may come from another checkout.
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "workflow"), str(ROOT)]


@dataclass
class Used:
    """Time, memory and output of a process and its children."""

    wall: float  # s
    cpu: float  # s, of all processes together
    peak: float  # MiB, the sum of the processes' peaks
    stdout: str


def describe(*packages: str) -> str:
    """The date and the versions that a result depends on."""
    versions = "".join(f", {name} {version(name)}" for name in packages)
    return f"{date.today()}, Python {platform.python_version()}{versions}"


def pin_to_one_core() -> None:
    """Pin this process, and those that it starts from now on, to one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def call_in_process(function: Callable, *words, **options):
    """Call a function in another process and return what it returns.

    A process starts with the peak memory of its parent, so the benchmark itself must stay small.
    """
    with multiprocessing.get_context("spawn").Pool(1, _silence_stderr) as pool:
        return pool.apply(function, words, options)


def _silence_stderr() -> None:
    """Hide the progress that commands write to stderr; errors still reach the caller."""
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - as long as the process lives


def measure(*words: str | Path, python: str | None = None, cwd: Path | None = None) -> Used:
    """Run a Python command; `python` is another interpreter, which does not get our packages."""
    environment = dict(os.environ)
    if python is None:
        environment["PYTHONPATH"] = f"{ROOT / 'workflow'}:{ROOT}"
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        start = time.perf_counter()
        process = subprocess.Popen(
            [python or sys.executable, *map(str, words)],
            env=environment,
            cwd=cwd,
            stdout=stdout,
            stderr=stderr,
        )
        peaks, status, usage = _watch(process.pid)
        wall = time.perf_counter() - start
        process.returncode = status  # already waited for
        stdout.seek(0)
        stderr.seek(0)
        if status:
            reason = stderr.read().strip().splitlines()[-1:]
            sys.exit(f"{' '.join(map(str, words))}: ended with status {status}: {reason}")
        cpu, peak = usage.ru_utime + usage.ru_stime, sum(peaks.values()) / 1024
        return Used(wall, cpu, peak, stdout.read())


def _watch(pid: int) -> tuple[dict[int, int], int, resource.struct_rusage]:
    """Wait for a process; return the peaks of its family (KiB), its status and resource usage."""
    peaks: dict[int, int] = {}
    while True:
        for one in list_family(pid):
            peaks[one] = max(read_peak(one), peaks.get(one, 0))
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            break
        time.sleep(0.02)
    if len(peaks) == 1:
        peaks[pid] = usage.ru_maxrss  # growth since the last poll
    return peaks, status, usage


def list_family(pid: int) -> list[int]:
    """A process and all of its descendants."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        children = []
    return [pid, *(one for child in children for one in list_family(int(child)))]


def read_peak(pid: int) -> int:
    """Largest resident size so far, KiB; 0 if the process has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = (line.split() for line in status.splitlines() if line.startswith("VmHWM:"))
    return next((int(words[1]) for words in lines), 0)
