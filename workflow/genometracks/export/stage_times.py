"""How long the stages of a run took, and their peak memory, from the stages' logs."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from genometracks.common.logs import find_events
from genometracks.config.stages import STAGES
from genometracks.plan.plan import Shard

__all__ = [
    "Prediction",
    "Span",
    "StageTime",
    "measure_prediction",
    "measure_wall",
    "read_stages",
]

LOG = re.compile(r"([a-z]+)(?:_\d+)?\.log")
PEAK = re.compile(r"^\S+ finished \S+ peak ([\d,]{1,12}) MB$", re.MULTILINE)
KEPT = "is complete: nothing to predict"
"""In the log of a prediction job that found its shard complete."""

Span = tuple[float, float]
"""Start and end in seconds since the epoch."""


@dataclass(frozen=True)
class StageTime:
    """A stage of a run.

    Attributes
    ----------
    stage : str
    jobs : int
        Jobs whose logs state when they started and finished.
    wall : float
        Seconds in which at least one of the jobs ran.
    busy : float
        Sum of the jobs' seconds.
    peak : int or None
        Largest peak memory of a job in bytes; None if it is not known.
    """

    stage: str
    jobs: int
    wall: float
    busy: float
    peak: int | None


@dataclass(frozen=True)
class Prediction:
    """Rate of the prediction, over the shards whose jobs were timed; their start-up counts.

    Attributes
    ----------
    shards, windows : int
        Shards that were timed, and their windows.
    wall, busy : float
        As in `StageTime`; each job uses one device.
    """

    shards: int
    windows: int
    wall: float
    busy: float


def read_stages(logs: Path) -> list[StageTime]:
    """Read the times of every stage that has a log, in the order of the stages."""
    found: dict[str, list[Path]] = {stage: [] for stage in STAGES}
    for path in sorted(logs.glob("*.log")):
        match = LOG.fullmatch(path.name)
        if match and match[1] in found:
            found[match[1]].append(path)
    found["predict"] += sorted((logs / "predict").glob("*.log"))
    stages = [_sum_jobs(stage, map(_read_log, paths)) for stage, paths in found.items()]
    return [stage for stage in stages if stage.jobs]


def measure_prediction(logs: Path, shards: Sequence[Shard]) -> Prediction | None:
    """Measure the rate of the prediction; None if no job was timed.

    A job that found its shard complete predicted nothing, and does not count.
    """
    timed, windows = [], 0
    for shard in shards:
        text = _read_log(logs / "predict" / f"{shard.id}.log")
        span = _find_span(text)
        if span and KEPT not in text and span[1] > span[0]:
            timed.append(span)
            windows += shard.windows
    if not timed:
        return None
    return Prediction(len(timed), windows, _measure_union(timed), _sum_seconds(timed))


def measure_wall(logs: Path, pattern: str = "*.log") -> float:
    """Seconds in which at least one job ran, by the logs in a folder and in those inside of it.

    Parameters
    ----------
    logs : Path
    pattern : str
        Of the logs that count. Default is "*.log": all of them.
    """
    spans = [_find_span(_read_log(log)) for log in logs.rglob(pattern)]
    return _measure_union([span for span in spans if span])


def _sum_jobs(stage: str, texts: Iterable[str]) -> StageTime:
    spans, peaks = [], []
    for text in texts:
        span = _find_span(text)
        if span:
            spans.append(span)
            peaks += [int(peak.replace(",", "")) for peak in PEAK.findall(text)[-1:]]
    peak = max(peaks) * 1_000_000 if peaks else None
    return StageTime(stage, len(spans), _measure_union(spans), _sum_seconds(spans), peak)


def _read_log(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _find_span(text: str) -> Span | None:
    """When a job started and finished, by the text of its log; None if it does not state both."""
    events = find_events(text)
    if len(events) < 2:
        return None
    start = events["started"].timestamp()
    return start, max(start, events["finished"].timestamp())


def _sum_seconds(spans: Iterable[Span]) -> float:
    return sum(end - start for start, end in spans)


def _measure_union(spans: Iterable[Span]) -> float:
    """Seconds that at least one of the spans covers."""
    total, until = 0.0, 0.0
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total
