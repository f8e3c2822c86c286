"""Files that a run writes, and the jobs that write them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from genometracks.config.folders import RunFolder
from genometracks.config.sections import Config
from genometracks.export.jobs import COLUMNS, TRACKS


@dataclass(frozen=True)
class BigWigJob:
    """A job that writes bigWigs: its rule, its tracks (`first:last`), its files and their seals."""

    rule: str
    rows: str
    files: tuple[str, ...]
    seal: str


@dataclass(frozen=True)
class Results:
    """Files that a run writes.

    Attributes
    ----------
    bigwigs : tuple of BigWigJob
        Present even if `output.bigwig` is off: a file may be requested by name.
    locus : tuple of str
        The figure of a locus; empty if there are no observed tracks.
    scatters : tuple of str
        One figure per observed track.
    curves : tuple of str
        One figure per entry of `evaluation.sites`.
    files : tuple of str
        All results that the config requests.
    browsed : tuple of str
        The bigWigs that page, hub and session files show; empty if these are not written.
    seals : tuple of str
        Files of the seals of these results, one per job.
    parquet_processes : int
        Processes that write the Parquet table, at most one per part.
    """

    bigwigs: tuple[BigWigJob, ...]
    locus: tuple[str, ...]
    scatters: tuple[str, ...]
    curves: tuple[str, ...]
    files: tuple[str, ...]
    browsed: tuple[str, ...]
    seals: tuple[str, ...]
    parquet_processes: int


def list_results(config: Config, folder: RunFolder, tracks: Sequence[str]) -> Results:
    """List the files that a run writes; `tracks` are the file stems of its tracks."""
    jobs = tuple(_cut_bigwigs(folder, tracks))
    evaluation, figures = config.evaluation, folder.figures
    locus = (str(figures / "locus.png"),) if evaluation.observed else ()
    scatters = tuple(str(figures / f"scatter_{i}.png") for i in range(len(evaluation.observed)))
    curves = tuple(str(figures / f"sites_{i}.png") for i in range(len(evaluation.sites)))
    files, seals = [str(folder.tracks)], [str(folder.seals / "tracks.json")]
    if config.output.bigwig:
        files += [file for job in jobs for file in job.files]
        seals += [job.seal for job in jobs]
    if config.output.parquet:
        files.append(str(folder.parquet))
        seals.append(str(folder.seals / "parquet.json"))
    if scatters or curves:
        files += [str(folder.evaluation), *locus, *scatters, *curves]
        seals.append(str(folder.seals / "evaluate.json"))
    browsed = [file for job in jobs for file in job.files] if config.browsed else []
    if browsed:
        files += [str(folder.reference), str(folder.hub), str(folder.page)]
        seals += [str(folder.seals / f"{job}.json") for job in ("reference", "browse")]
    processes = min(config.output.threads, -(-len(tracks) // COLUMNS))
    return Results(
        jobs, locus, scatters, curves, tuple(files), tuple(browsed), tuple(seals), processes
    )


def _cut_bigwigs(folder: RunFolder, tracks: Sequence[str]) -> Iterator[BigWigJob]:
    files = [str(folder.bigwig / f"{track}.bw") for track in tracks]
    for number, first in enumerate(range(0, len(files), TRACKS)):
        some = files[first : first + TRACKS]
        rule = f"bigwig_{number}" if len(files) > TRACKS else "bigwig"
        seal = str(folder.seals / f"{rule}.json")
        yield BigWigJob(rule, f"{first}:{first + len(some)}", tuple(some), seal)
