"""Paths from untrusted text."""

from pathlib import Path

__all__ = ["is_file"]


def is_file(path: Path) -> bool:
    """Whether a path is a file; False for text that no file can have as its path.

    `Path.is_file` raises errors for names that are too long, and for folders without access.

    Examples
    --------
    >>> is_file(Path("x" * 10_000)), is_file(Path("a\\0b"))
    (False, False)
    """
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
