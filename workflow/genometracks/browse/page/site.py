"""Which files of a folder of runs are served: those that the page and the hub refer to."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from genometracks.config.folders import PAGE, SHARED
from genometracks.errors import UserError

__all__ = ["Site", "find_site", "open_file"]

OPEN = ("page", "bigwig", "reference", "hub", "figures")
"""Folders of a run that are served."""

FILES = (
    "report.html",
    "tracks.tsv",
    "evaluation.tsv",
    "manifest.json",
    "summary.txt",
    "ro-crate-metadata.json",
)
"""Files of a run that are served, apart from those in `OPEN`."""

GENOME = (("work", "genome.fa"), ("work", "genome.fa.fai"))
"""Files of a prepared genome that are served."""


@dataclass(frozen=True)
class Site:
    """What is served.

    Attributes
    ----------
    root : Path
        Folder of the runs, absolute and without links.
    runs : tuple of str
        Names of the runs that are served.
    page : str
        Path of the page's folder in `root`.
    """

    root: Path
    runs: tuple[str, ...]
    page: str

    def find(self, path: str) -> Path | None:
        """The file that the path of a URL names; None where it is not served.

        Parameters
        ----------
        path : str
            Encoded as in the request, without the query.
        """
        parts = _split_path(path)
        if not parts or not self._serves(parts):
            return None
        try:
            found = self.root.joinpath(*parts).resolve(strict=True)
        except (OSError, RuntimeError, ValueError):
            return None
        if found.is_dir():
            found /= "index.html"
        return found if found.is_relative_to(self.root) else None

    def _serves(self, parts: tuple[str, ...]) -> bool:
        first, *rest = parts
        if first in self.runs:
            inside = tuple(rest)
            served = inside in GENOME or inside[:1] in {(name,) for name in OPEN}
            return served or (len(inside) == 1 and inside[0] in FILES)
        if first == SHARED:
            return tuple(rest[-2:]) in GENOME
        return first == PAGE == self.page


def _split_path(path: str) -> tuple[str, ...] | None:
    """The decoded parts of a path; None where a part could leave its folder."""
    try:
        parts = [unquote(part, errors="strict") for part in path.split("/") if part]
    except UnicodeDecodeError:
        return None
    unsafe = any(part in (".", "..") or {"/", "\\", "\0"} & set(part) for part in parts)
    return None if unsafe else tuple(parts)


def find_site(folder: Path) -> Site:
    """The site of a run's folder, or of a folder of several runs.

    Raises
    ------
    UserError
        If there is no page.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder: give the folder of a run, results/RUN")
    folder = folder.resolve()
    has_page = (folder / PAGE / "index.html").is_file()
    if _is_run(folder):
        if not has_page:
            raise UserError(
                f"{folder}: the run has no page (page/index.html): it has not finished, or "
                "browser.write is false in its config: run the workflow (again)"
            )
        return Site(folder.parent, (folder.name,), f"{folder.name}/{PAGE}")
    runs = tuple(sorted(path.name for path in folder.iterdir() if _is_run(path)))
    if has_page:
        return Site(folder, runs, PAGE)
    shown = [name for name in runs if (folder / name / PAGE / "index.html").is_file()]
    if len(shown) == 1:
        return find_site(folder / shown[0])
    if not shown:
        raise UserError(f"{folder}: no run with a page is there: give the folder of a run")
    listed = ", ".join(shown)
    raise UserError(f"{folder}: several runs have a page ({listed}): give the folder of one")


def _is_run(folder: Path) -> bool:
    return (folder / "work" / "plan.json").is_file() or (folder / "bigwig").is_dir()


def open_file(path: Path) -> BinaryIO | None:
    """A regular file, opened for reading; None for anything else."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    file = os.fdopen(number, "rb")
    if stat.S_ISREG(os.fstat(number).st_mode):
        return file
    file.close()
    return None
