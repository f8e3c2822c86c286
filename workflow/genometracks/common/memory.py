"""The memory that this process took."""

import resource
from pathlib import Path


def read_peak() -> int:
    """Most bytes that were resident at once.

    Not `ru_maxrss` where Linux can tell better: that begins with the peak of the process that
    started this one.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
