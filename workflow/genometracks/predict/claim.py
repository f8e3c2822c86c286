"""Exclusive use of a device: no two jobs on a machine predict on the same one.

Each device has a lock file. The operating system releases the lock when the process that holds it
ends, even if it is killed. Needs no torch.
"""

import fcntl
import hashlib
import logging
import os
import re
import tempfile
import time
from pathlib import Path

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
    folder: Path | None = None,
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
    folder : Path, optional
        Folder of the lock files, on this machine. Default is None: the folder of temporary files.

    Returns
    -------
    int
        Position in `names`.
    """
    folder = folder or Path(tempfile.gettempdir())
    wanted = range(len(names)) if only is None else [only]
    listed = ", ".join(names[i] for i in wanted)
    waited = False
    while True:
        for i in wanted:
            try:
                descriptor = _lock(folder, identities[i])
            except OSError as error:
                LOG.warning(
                    "device %s: used without a claim: no lock in %s: %s: another job may use it at "
                    "the same time: set TMPDIR to a writable folder on this machine",
                    names[i],
                    folder,
                    error,
                )
                return i
            if descriptor is not None:
                _held.append(descriptor)
                LOG.info("device %s of %s claimed", names[i], ", ".join(names))
                return i
        if not waited:
            LOG.info("waiting for a device: %s taken by other jobs", listed)
            waited = True
        time.sleep(POLL)


def _lock(folder: Path, identity: str) -> int | None:
    """Lock a device's lock file and return its descriptor; None if another process holds it.

    The folder may be writable by everyone: a link is not followed, and a file of another user is
    opened for reading only, which suffices to lock it.
    """
    name = hashlib.sha256(identity.encode()).hexdigest()[:16]
    path = folder / f"genometracks-device-{name}.lock"
    while True:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            break
        except FileNotFoundError:
            pass
        try:
            flags = os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(path, flags, 0o644)
            os.fchmod(descriptor, 0o644)  # other users must be able to lock it
            break
        except FileExistsError:
            continue  # another process created it just now
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
