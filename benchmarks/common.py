"""What the benchmarks share: whole processes measured, and a line that says with what."""

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
# In front: what is installed may be of another checkout.
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "workflow"), str(ROOT)]


@dataclass
class Used:
    """What a process and its children took."""

    wall: float  # s
    cpu: float  # s, of all processes together
    peak: float  # MiB, the sum of the processes' peaks
    said: str  # on stdout


def describe(*packages: str) -> str:
    """The date and the versions that a result depends on."""
    versions = "".join(f", {name} {version(name)}" for name in packages)
    return f"{date.today()}, Python {platform.python_version()}{versions}"


def pin_to_one_core() -> None:
    """This process, and those it starts from now on."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def run_aside(function: Callable, *words, **options):
    """Call a function in another process and return what it returns.

    A process starts with the peak of the one that started it, so that this one must stay small.
    """
    with multiprocessing.get_context("spawn").Pool(1, _hush) as pool:
        return pool.apply(function, words, options)


def _hush() -> None:
    """Our commands tell their progress on stderr; an error reaches the caller as one."""
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - as long as the process lives


def measure(*words: str | Path, python: str | None = None, cwd: Path | None = None) -> Used:
    """Run a Python command to its end: `python` is another interpreter, without our packages."""
    environment = dict(os.environ)
    if python is None:
        environment["PYTHONPATH"] = f"{ROOT / 'workflow'}:{ROOT}"
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as wrong:
        start = time.perf_counter()
        process = subprocess.Popen(
            [python or sys.executable, *map(str, words)],
            env=environment,
            cwd=cwd,
            stdout=said,
            stderr=wrong,
        )
        peaks, status, usage = _watch(process.pid)
        wall = time.perf_counter() - start
        process.returncode = status  # already waited for
        said.seek(0)
        wrong.seek(0)
        if status:
            reason = wrong.read().strip().splitlines()[-1:]
            sys.exit(f"{' '.join(map(str, words))}: ended with status {status}: {reason}")
        return Used(wall, usage.ru_utime + usage.ru_stime, sum(peaks.values()) / 1024, said.read())


def _watch(pid: int) -> tuple[dict[int, int], int, resource.struct_rusage]:
    """Wait for a process: the peaks of its family (KiB), its status and what it used."""
    peaks: dict[int, int] = {}
    while True:
        for one in list_family(pid):
            peaks[one] = max(read_peak(one), peaks.get(one, 0))
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            break
        time.sleep(0.02)
    if len(peaks) == 1:
        peaks[pid] = usage.ru_maxrss  # what the last look may have missed
    return peaks, status, usage


def list_family(pid: int) -> list[int]:
    """A process and all below it."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        children = []
    return [pid, *(one for child in children for one in list_family(int(child)))]


def read_peak(pid: int) -> int:
    """Largest resident size so far, KiB; 0 of a process that has gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = (line.split() for line in status.splitlines() if line.startswith("VmHWM:"))
    return next((int(words[1]) for words in lines), 0)
