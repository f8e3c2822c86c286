"""Number of CPU cores that this process may use: affinity, and the quota of its control group."""

import math
import os
from contextlib import suppress
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def count_cores(groups: Path = GROUPS, own: Path = OWN) -> int:
    """Count the cores that this process may use, at least 1.

    Parameters
    ----------
    groups : Path
        Where control groups are mounted. Default is /sys/fs/cgroup.
    own : Path
        The file that lists the groups of this process. Default is /proc/self/cgroup.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min([cores, *(math.floor(quota) for quota in _read_quotas(groups, own))]))


def _read_quotas(groups: Path, own: Path) -> list[float]:
    """Quotas of the group of this process and of those above it, in cores."""
    quotas = []
    for folder in _list_groups(groups, own):
        with suppress(OSError, ValueError, ZeroDivisionError):  # version 2
            most, period = (folder / "cpu.max").read_text().split()
            quotas.append(float(most) / float(period))  # not a number: "max"
        with suppress(OSError, ValueError, ZeroDivisionError):  # version 1; -1: no quota
            most = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
            quotas += [float(most) / float(period)] if float(most) > 0 else []
    return quotas


def _list_groups(groups: Path, own: Path) -> list[Path]:
    folders = [groups, groups / "cpu"]  # in a container, its own group is mounted as the first
    with suppress(OSError):
        for line in own.read_text().splitlines():
            _, kinds, path = line.split(":", 2)
            root = groups / "cpu" if kinds else groups
            if not kinds or "cpu" in kinds.split(","):
                group = root / path.lstrip("/")
                folders += [each for each in (group, *group.parents) if each.is_relative_to(root)]
    return list(dict.fromkeys(folders))
