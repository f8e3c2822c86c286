"""Exclusive use of a device: no two jobs of a user on a machine predict on the same one.

Each device has a lock file. The operating system releases the lock when the process that holds it
ends, even if it is killed. Needs no torch.
"""

import hashlib
import logging
import re
import time
from collections.abc import Sequence
from pathlib import Path

from genometracks.predict.locks import list_folders, lock

NAME = re.compile("[0-9]+|(GPU|MIG)-[A-Za-z0-9/-]+")
POLL = 0.5
"""Seconds between attempts while other processes hold all locks."""

_held: list[int] = []
"""Descriptors of claimed locks: they stay open as long as the process lives."""

LOG = logging.getLogger(__name__)


def list_visible(count: int, environment: str | None) -> list[str]:
    """List the names of the devices that this process may use, in CUDA's order.

    Parameters
    ----------
    count : int
        Number of devices that CUDA finds.
    environment : str or None
        CUDA_VISIBLE_DEVICES: indices or UUIDs. As in CUDA, an invalid entry hides those after it.
        Entries count even if CUDA finds no device.

    Examples
    --------
    >>> list_visible(4, "2,3")
    ['2', '3']
    >>> list_visible(2, None)
    ['0', '1']
    """
    if environment is None:
        return [str(i) for i in range(count)]
    names = []
    for entry in environment.split(","):
        name = entry.strip()
        if not NAME.fullmatch(name):
            break
        names.append(name)
    return names


def claim_device(
    names: list[str],
    identities: list[str],
    *,
    only: int | None = None,
    folders: Sequence[Path] | None = None,
) -> int:
    """Claim a device for as long as this process lives; wait while all are taken.

    Parameters
    ----------
    names : list of str
        Names of the visible devices, not empty.
    identities : list of str
        A name of each device that is the same in all processes on this machine: 'device 0' of a
        container may be another card outside of it.
    only : int, optional
        Position of the device to claim. Default is None: the first free one.
    folders : sequence of Path, optional
        Folders of the lock files, on this machine: a device is claimed in each. Default is None:
        `locks.list_folders`.

    Returns
    -------
    int
        Position in `names`.
    """
    folders = list_folders() if folders is None else folders
    wanted = range(len(names)) if only is None else [only]
    listed = ", ".join(names[i] for i in wanted)
    waited = False
    while True:
        for i in wanted:
            digest = hashlib.sha256(identities[i].encode()).hexdigest()[:16]
            try:
                descriptors = lock(f"device-{digest}.lock", folders)
            except OSError as error:
                LOG.warning(
                    "device %s: used without a claim: %s: another job may use it at the same time: "
                    "set TMPDIR to a writable folder on this machine",
                    names[i],
                    error,
                )
                return i
            if descriptors:
                _held.extend(descriptors)
                LOG.info("device %s of %s claimed", names[i], ", ".join(names))
                return i
        if not waited:
            LOG.info("waiting for a device: %s taken by other jobs", listed)
            waited = True
        time.sleep(POLL)
