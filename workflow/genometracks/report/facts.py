"""A run in numbers, collected from its files, for its own report and for that of a sheet.

They are also in the report as JSON, so that the report of a sheet reads nothing else of a run.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from genometracks.common.records import as_plain, load_record, parse_record
from genometracks.config.folders import RunFolder
from genometracks.errors import UserError
from genometracks.evaluation.table import (
    ALL_CONTIGS,
    Correlation,
    SiteScore,
    read_evaluation,
    read_site_scores,
)
from genometracks.export.stage_times import (
    Prediction,
    StageTime,
    measure_prediction,
    measure_wall,
    read_stages,
)
from genometracks.plan.plan import Plan
from genometracks.report.values import TrackValues
from genometracks.shards.provenance import Provenance

__all__ = [
    "Facts",
    "Size",
    "Written",
    "collect_facts",
    "format_facts",
    "load_facts",
    "read_written",
]

FACTS = re.compile('<script type="application/json" id="facts">(.*?)</script>', re.DOTALL)
FORMAT = 1
MANIFEST = 1


@dataclass(frozen=True)
class Size:
    """Bytes of a kind of results, and the number of its files."""

    what: str
    files: int
    bytes: int


@dataclass(frozen=True)
class Output:
    """A result in the manifest."""

    bytes: int


@dataclass(frozen=True)
class Written:
    """What the report needs of a manifest."""

    run: str
    config: dict[str, Any]
    prediction: Provenance
    versions: dict[str, str]
    outputs: dict[str, Output]


@dataclass(frozen=True)
class Facts:
    """A run in numbers.

    Attributes
    ----------
    format : int
    run, model, genome : str
        Names: of the run, the family (or class) of its model, and its genome.
    weights : tuple of str
        As configured.
    all_tracks, bins, windows, contigs, bases : int
    devices : dict
        Device -> number of shards.
    precision : str
    wall : float
        Seconds in which at least one stage ran; stages that runs of a sheet share do not count.
    rate : Prediction or None
        None if no prediction was timed.
    owned : int
        Bp that a window owns.
    stages : tuple of StageTime
    sizes : tuple of Size
    mean : float or None
        Median of the tracks' means; None if no bigWigs are written.
    correlations, sites : tuple of Correlation, tuple of SiteScore
        Over all contigs.
    """

    format: int
    run: str
    model: str
    weights: tuple[str, ...]
    genome: str
    all_tracks: int
    bins: int
    windows: int
    contigs: int
    bases: int
    devices: dict[str, int]
    precision: str
    wall: float
    rate: Prediction | None
    owned: int
    stages: tuple[StageTime, ...]
    sizes: tuple[Size, ...]
    mean: float | None
    correlations: tuple[Correlation, ...]
    sites: tuple[SiteScore, ...]

    @property
    def peak(self) -> int | None:
        """Largest peak memory of a job in bytes; None if it is not known."""
        return max((stage.peak for stage in self.stages if stage.peak), default=None)

    @property
    def windows_a_second(self) -> float | None:
        """Windows per second of one prediction job, its start-up included."""
        return self.rate.windows / self.rate.busy if self.rate else None

    @property
    def device_hours(self) -> float | None:
        """Hours of one device for all windows; where shards were kept, extrapolated."""
        speed = self.windows_a_second
        return self.windows / speed / 3600 if speed else None


def read_written(manifest: Path) -> Written:
    """Read the manifest of a run.

    Raises
    ------
    UserError
        If it is missing, damaged or of another version.
    """
    return load_record(Written, manifest, what="manifest", version=MANIFEST)


def format_facts(facts: Facts) -> str:
    """The facts as JSON that is also text of HTML: no character in it begins a tag."""
    return json.dumps(as_plain(facts)).replace("<", "\\u003c")


def load_facts(report: Path) -> Facts:
    """Read the facts in the report of a run.

    Raises
    ------
    UserError
        If the file cannot be read, or is not a report of this version of the program.
    """
    try:
        found = FACTS.search(report.read_text(encoding="utf-8"))
        if not found:
            raise ValueError("there are none")
        facts = parse_record(Facts, found[1])
        if facts.format != FORMAT:
            raise ValueError(f"format version {facts.format}, expected {FORMAT}")
    except (OSError, ValueError, TypeError, OverflowError) as error:
        raise UserError(
            f"{report}: no usable facts of a run ({error}): delete it and run again"
        ) from error
    return facts


def collect_facts(
    plan: Plan, folder: RunFolder, *, logs: Path, tracks: Sequence[TrackValues]
) -> Facts:
    """Collect the facts of a finished run.

    Parameters
    ----------
    plan : Plan
    folder : RunFolder
    logs : Path
        Folder of the stages' logs.
    tracks : sequence of TrackValues
        From `read_track_values`.

    Raises
    ------
    UserError
        If the manifest is missing or damaged.
    """
    written = read_written(folder.manifest)
    rows, sites = _read_table(folder.evaluation)
    means = [track.mean for track in tracks if track.mean is not None]
    return Facts(
        format=FORMAT,
        run=written.run,
        model=name_model(plan),
        weights=tuple(fold.source for fold in plan.model.folds),
        genome=plan.genome.name,
        all_tracks=len(plan.tracks),
        bins=plan.bins,
        windows=plan.windows,
        contigs=len(plan.lengths),
        bases=sum(plan.lengths.values()),
        devices=written.prediction.devices,
        precision=plan.settings.precision,
        wall=measure_wall(logs),
        rate=measure_prediction(logs, plan.shards),
        owned=plan.geometry.owned * plan.geometry.bin,
        stages=tuple(read_stages(logs)),
        sizes=tuple(_list_sizes(written)),
        mean=median(means) if means else None,
        correlations=tuple(rows),
        sites=tuple(sites),
    )


def name_model(plan: Plan) -> str:
    """The family or class of a run's model, or the function that returned it."""
    fold = plan.model.folds[0]
    if fold.code:
        return f"{fold.code.function} of {Path(fold.code.file).name}"
    named = fold.architecture.get("model_type") or fold.architecture.get("adapter")
    return str(named or "model")


def _read_table(table: Path) -> tuple[list[Correlation], list[SiteScore]]:
    """The rows over all contigs of evaluation.tsv, if there is one."""
    if not table.exists():
        return [], []
    rows = [row for row in read_evaluation(table) if row.contig == ALL_CONTIGS]
    return rows, [row for row in read_site_scores(table) if row.contig == ALL_CONTIGS]


def _list_sizes(written: Written) -> list[Size]:
    """Bytes of the results, by their folder or, for those in the run's folder itself, together."""
    sizes: dict[str, list[int]] = {}
    for file, output in written.outputs.items():
        head, slash, _ = file.partition("/")
        sizes.setdefault(head if slash else "tables", []).append(output.bytes)
    return [Size(what, len(each), sum(each)) for what, each in sizes.items()]
