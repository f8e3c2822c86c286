"""The seals of a run's results: one file per job in work/seals, of all results that the job wrote.

A seal holds the digest of a result as it was written. The manifest is made of seals, and
`genometracks verify` compares results with them.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import xxhash

from genometracks.common.records import format_record, load_record, save_record
from genometracks.common.sealing import Seal, digest_file
from genometracks.config.folders import RunFolder
from genometracks.errors import UserError

FORMAT = 1


@dataclass(frozen=True)
class SealedResult:
    """A result as it was written.

    Attributes
    ----------
    file : str
        Path inside the run's folder, with slashes.
    bytes : int
    sha256 : str
    modified : int
        Modification time in nanoseconds since the epoch.
    """

    file: str
    bytes: int
    sha256: str
    modified: int


@dataclass(frozen=True)
class SealFile:
    """Content of a file of seals; `checksum` is of the seals."""

    format: int
    results: tuple[SealedResult, ...]
    checksum: str

    def check(self) -> None:
        """Raise ValueError if the seals changed, or name a file outside of the run's folder."""
        inside = all(is_inside(result.file) for result in self.results)
        if not inside or self.checksum != _digest(self.results):
            raise ValueError("damaged")


def save_seals(path: Path, folder: RunFolder, seals: Sequence[Seal]) -> None:
    """Write the seals of a job's results, whole or not at all.

    Parameters
    ----------
    path : Path
    folder : RunFolder
        The run, which contains the results.
    seals : sequence of Seal
    """
    results = tuple(
        SealedResult(
            seal.path.relative_to(folder.path).as_posix(), seal.bytes, seal.sha256, seal.modified
        )
        for seal in seals
    )
    save_record(path, SealFile(FORMAT, results, _digest(results)))


def load_seals(path: Path) -> tuple[SealedResult, ...]:
    """Read the seals of a job's results.

    Raises
    ------
    UserError
        If the file is missing or damaged, or names a file outside of the run's folder.
    """
    return load_record(SealFile, path, what="seals", version=FORMAT).results


def list_seals(folder: RunFolder) -> list[Path]:
    """List the files of seals of a run's results, except those of what describes the whole run."""
    later = (folder.manifest.stem, folder.summary.stem, folder.report.stem)
    return sorted(path for path in folder.seals.glob("*.json") if path.stem not in later)


def _digest(results: Sequence[SealedResult]) -> str:
    text = "\n".join(format_record(result) for result in results)
    return xxhash.xxh3_64_hexdigest(text.encode())


def is_inside(file: str) -> bool:
    """Whether a path of a result stays inside the run's folder.

    Examples
    --------
    >>> is_inside("bigwig/CTCF.bw"), is_inside("../other/manifest.json")
    (True, False)
    """
    path = PurePosixPath(file)
    return not path.is_absolute() and ".." not in path.parts and "\0" not in file


def find_change(folder: Path, result: SealedResult, *, whole: bool = True) -> str | None:
    """Compare a result with its seal.

    Parameters
    ----------
    folder : Path
        Folder of the run.
    result : SealedResult
    whole : bool
        Whether to read a file whose size and modification time are those of the seal. Default is
        True.

    Returns
    -------
    str or None
        What differs; None if nothing does. A file that was only touched or copied is unchanged.
    """
    path = folder / result.file
    try:
        state = os.stat(path)
        if state.st_size != result.bytes:
            return f"has {state.st_size:,} bytes, and had {result.bytes:,} when it was written"
        if (whole or state.st_mtime_ns != result.modified) and digest_file(path) != result.sha256:
            return "its content changed since it was written"
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None


def name_remedy(folder: RunFolder, result: SealedResult) -> str:
    """What to do about a result that changed or is missing."""
    path = folder.path / result.file
    for whole in (folder.parquet, folder.reference, folder.hub, folder.page):
        if whole in path.parents:  # Snakemake sees the folder only, not the files in it
            return f"delete the folder {whole} and run again"
    return "delete it and run again" if path.exists() else "run again"


def check_results(folder: RunFolder, files: Sequence[Path]) -> Iterator[SealedResult]:
    """Yield the results that files of seals describe, after a cheap comparison of each.

    Size and modification time are compared; a file with another time is read.

    Raises
    ------
    UserError
        For the first result that is not as it was written, or file of seals that is not usable.
    """
    for file in files:
        for result in load_seals(file):
            change = find_change(folder.path, result, whole=False)
            if change:
                raise UserError(
                    f"{folder.path / result.file}: {change}: {name_remedy(folder, result)}: it is "
                    "written again without a prediction"
                )
            yield result
