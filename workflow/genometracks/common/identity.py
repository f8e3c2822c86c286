"""Identity of a process, by which another process can tell whether it still lives. Linux only."""

import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Process:
    """A process of any machine.

    Attributes
    ----------
    system : str or None
        The booted system and the pid namespace in which `pid` is valid: another container, or the
        same machine after a reboot, is another system. None if it is not known.
    pid : int
    begun : int or None
        When the process began, in ticks: another process may have got its pid. None if unknown.
    """

    system: str | None
    pid: int
    begun: int | None

    @classmethod
    def of_caller(cls) -> "Process":
        """The process that calls this."""
        pid = os.getpid()
        _, begun = _read_state(pid)
        return cls(_name_system(), pid, begun)

    @cached_property
    def lives(self) -> bool | None:
        """Whether the process lives; None if it is of another system."""
        if self.system is None or self.system != _name_system():
            return None
        try:
            os.kill(self.pid, 0)
        except PermissionError:  # another user's
            pass
        except (OSError, OverflowError):
            return False
        state, begun = _read_state(self.pid)
        same = begun is None or self.begun in (None, begun)
        return same and state not in ("Z", "X")


def _name_system() -> str | None:
    with suppress(OSError):
        return f"{BOOT.read_text().strip()} {os.readlink('/proc/self/ns/pid')}"
    return None


def _read_state(pid: int) -> tuple[str | None, int | None]:
    """State of a process (`Z`: dead, not yet waited for) and its beginning; None if unreadable."""
    with suppress(OSError, ValueError, IndexError):
        # The name before these fields may contain spaces and parentheses.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return fields[0], int(fields[19])
    return None, None
