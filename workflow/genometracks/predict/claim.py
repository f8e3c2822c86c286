"""A device of one's own: of several jobs on a machine, no two predict on the same one.

Each device has a lock, which the system frees as soon as the process that holds it ends, whatever
way. Needs no torch.
"""

import fcntl
import hashlib
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

NAME = re.compile("[0-9]+|(GPU|MIG)-[A-Za-z0-9/-]+")
POLL = 0.5
"""Seconds between two looks at locks that are all taken."""

_held: list[int] = []
"""Descriptors of claimed locks: they stay open as long as the process lives."""


def list_visible(count: int, environment: str | None) -> list[str]:
    """Names of the devices that this process may use, in CUDA's order.

    Parameters
    ----------
    count : int
        Devices that CUDA finds.
    environment : str or None
        CUDA_VISIBLE_DEVICES: indices or UUIDs; an entry that is none hides those behind it. Its
        entries count also where CUDA finds nothing.
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
    say: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True),
) -> int:
    """Claim a device for as long as this process lives; wait where all are taken.

    Parameters
    ----------
    names : list of str
        Of the visible devices, not empty.
    identities : list of str
        What each is called on this machine by all processes: in a container 'device 0' may be
        another card for everyone.
    only : int, optional
        The one to claim; else the first that is free.
    folder : Path, optional
        Of the locks, on this machine; by default that of temporary files.
    say : callable
        Is told what is waited for, and what was claimed.

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
                say(f"device {names[i]}: used without a claim: no lock in {folder}: {error}")
                return i
            if descriptor is not None:
                _held.append(descriptor)
                say(f"device {names[i]} of {', '.join(names)} claimed")
                return i
        if not waited:
            say(f"waiting for a device: {listed} taken by other jobs")
            waited = True
        time.sleep(POLL)


def _lock(folder: Path, identity: str) -> int | None:
    """The locked descriptor of a device's lock, or None if another process has it.

    The folder may be everyone's: a link is not followed, and another user's file is locked as it
    is, for reading.
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
            os.fchmod(descriptor, 0o644)  # for other users, too
            break
        except FileExistsError:
            continue  # made by another process just now
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
