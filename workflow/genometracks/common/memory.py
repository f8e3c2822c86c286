"""Peak memory of this process."""

import resource
from pathlib import Path


def read_peak() -> int:
    """Peak resident memory of this process so far, in bytes.

    From /proc where it exists: `ru_maxrss` on Linux starts at the peak of the parent process.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
