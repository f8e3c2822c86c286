"""Lists of names and texts of a report: model, genome, config, cost, borders of windows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from genometracks.common.units import format_si
from genometracks.config.schema import list_keys
from genometracks.evaluation.table import Correlation, SiteScore
from genometracks.export.summary import explain_unmeasured
from genometracks.inputs.model import ModelFile
from genometracks.plan.plan import Plan
from genometracks.report.facts import Facts, Written, name_model
from genometracks.report.render import (
    format_percent,
    format_r,
    format_seconds,
    format_value,
)
from genometracks.report.values import Sample
from genometracks.shards.underflow import describe_underflow

__all__ = [
    "Card",
    "Rated",
    "Row",
    "describe_borders",
    "describe_cost",
    "describe_genome",
    "describe_model",
    "describe_rate",
    "describe_sample",
    "find_first_row",
    "list_cards",
    "list_config",
]

Row = tuple[str, str]
Rated = TypeVar("Rated", Correlation, SiteScore)
LONGEST = 400
"""Characters of a value of the config that are shown."""


@dataclass(frozen=True)
class Card:
    """A number at the top of a report, and what it is."""

    value: str
    label: str


def list_cards(plan: Plan, facts: Facts) -> list[Card]:
    """The numbers that a reader looks for first."""
    cards = [
        Card(f"{len(plan.tracks):,}", "tracks" if len(plan.tracks) > 1 else "track"),
        Card(f"{plan.bins:,}", f"bins of {plan.geometry.span:,} bp"),
        Card(format_seconds(facts.wall), "wall time of the run"),
    ]
    speed = facts.windows_a_second
    if speed:
        cards.append(Card(f"{format_si(speed * facts.owned)}bp/s", "of one prediction job"))
    row = find_first_row(facts.correlations)
    if row:
        where = "held-out bins" if row.bins_in == "held_out" else "all bins"
        cards.append(Card(format_r(row.pearson), f"Pearson, {row.observed}, {where}"))
    score = find_first_row(facts.sites)
    if score:
        label = f"average precision, {score.observed}"
        cards.append(Card(format_r(score.average_precision), label))
    return cards


def find_first_row(rows: Sequence[Rated]) -> Rated | None:
    """The row of the first pair: of held-out bins, if there is one; None without rows."""
    own = [row for row in rows if (row.track, row.observed) == (rows[0].track, rows[0].observed)]
    return next((row for row in own if row.bins_in == "held_out"), own[0] if own else None)


def describe_model(plan: Plan, model: ModelFile) -> list[Row]:
    """What is known about the model: family, weights, geometry, output, terms."""
    geometry, folds = plan.geometry, plan.model.folds
    sources = ", ".join(fold.source for fold in folds[:5]) + (", ..." if folds[5:] else "")
    reads = f"{geometry.window:,} bp in, {geometry.length:,} bins of {geometry.bin:,} bp out"
    if geometry.trim:
        reads += f", of which {geometry.owned:,} are kept"
        if geometry.blend:
            reads += f" ({geometry.blend:,} blended on each side of a border)"
    rows = [
        ("family", name_model(plan)),
        ("weights", f"{sources} ({len(folds)} folds)" if len(folds) > 1 else sources),
        ("digest", f"sha256 {plan.model.digest}"),
        ("window", reads),
        ("reach", _describe_reach(model)),
        ("output", plan.tracks[0].computed or "as the model gives it"),
        ("scale", model.scale or ""),
        ("licence", plan.model.licence or "not stated by the weights"),
        ("cite", plan.model.citation or ""),
        ("notes", "; ".join(model.notes)),
    ]
    return [(name, text) for name, text in rows if text]


def _describe_reach(model: ModelFile) -> str:
    if model.flanks is None:
        return f"{model.receptive_field:,} bp can influence a value"
    left, right = model.flanks
    reach = f"{model.receptive_field:,} bp can influence a value"
    return f"{reach}: {left:,} before a bin, {right:,} after it"


def describe_genome(plan: Plan) -> list[Row]:
    """The genome, its contigs, and what is predicted of it."""
    genome, lengths = plan.genome, plan.lengths
    names = list(lengths)
    listed = ", ".join(names[:8]) + (f" and {len(names) - 8:,} more" if names[8:] else "")
    bases = sum(lengths.values())
    unread = ""
    if genome.ambiguous:
        share = format_percent(genome.ambiguous / bases)
        unread = f", {genome.ambiguous:,} ({share}) of them ambiguous letters, read as N"
    rows = [
        ("name", genome.name),
        ("digest", f"sha256 {genome.sha256}"),
        ("contigs", f"{len(names):,}: {listed}"),
        ("length", f"{bases:,} bp{unread}"),
        ("regions", genome.regions.bed if genome.regions else "all"),
        ("blacklist", genome.blacklist.bed if genome.blacklist else ""),
    ]
    return [(name, text) for name, text in rows if text]


def list_config(written: Written) -> list[Row]:
    """The keys of the config that differ from their defaults, with their values as JSON."""
    rows = []
    for key, schema in list_keys():
        if "[]" in key or schema.get("properties"):
            continue
        value = _look_up(written.config, key)
        if value is not None and value != schema.get("default"):
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            rows.append((key, text if len(text) <= LONGEST else f"{text[:LONGEST]}..."))
    return rows


def _look_up(config: Mapping[str, Any], key: str) -> Any:
    found: Any = config
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def describe_cost(plan: Plan, facts: Facts, written: Written) -> list[Row]:
    """Device, precision, rate, hours, memory, bytes and versions."""
    made, settings = written.prediction, plan.settings
    devices = ", ".join(
        f"{device} ({count:,} shard{'s' * (count != 1)})" for device, count in made.devices.items()
    )
    arithmetic = f"{settings.precision}, batches of {settings.batch_size}"
    if made.deviation:
        share = format_percent(made.deviation.relative)
        arithmetic += f"; at most {share} of the largest value from fp32"
    names = [track.name for track in plan.tracks]
    total = sum(size.bytes for size in facts.sizes)
    shards = plan.bins * len(plan.tracks) * (2 if settings.dtype == "float16" else 4)
    versions = ", ".join(f"{name} {version}" for name, version in written.versions.items())
    rows = [
        ("device", devices),
        ("arithmetic", arithmetic),
        ("digits", describe_underflow(made.underflow, names=names, bins=plan.bins)),
        ("wall time", f"{format_seconds(facts.wall)} in which at least one stage ran"),
        ("prediction", describe_rate(facts)),
        ("device hours", _describe_hours(facts)),
        ("peak memory", f"{format_si(facts.peak)}B of one job" if facts.peak else "not recorded"),
        ("bytes", f"{format_si(total)}B of results, {format_si(shards)}B of shards"),
        ("versions", versions),
    ]
    return [(name, text) for name, text in rows if text]


def describe_rate(facts: Facts) -> str:
    """Windows and base pairs per second, of one job and of all."""
    speed, rate = facts.windows_a_second, facts.rate
    if not (speed and rate):
        return "not timed: the shards were complete"
    text = f"{format_value(speed)} windows/s, {format_si(speed * facts.owned)}bp/s of one job"
    together = rate.windows / rate.wall
    if together > 1.1 * speed:
        text += f"; {format_si(together * facts.owned)}bp/s together"
    text += f"; {rate.windows:,} windows in {format_seconds(rate.wall)}"
    if rate.windows < facts.windows:
        text += f" (of {facts.windows:,}: the other shards were complete)"
    return text + "; the start of the jobs counts"


def _describe_hours(facts: Facts) -> str:
    if facts.device_hours is None:
        return "not timed"
    return f"{format_value(facts.device_hours)} h of {', '.join(facts.devices)} for all windows"


def describe_sample(plan: Plan, rows: Sequence[int], samples: Sequence[Sample]) -> str:
    """What the distributions are drawn of."""
    if not samples:
        return ""
    which = ""
    if len(rows) < len(plan.tracks):
        which = f" Shown are the {len(rows)} of {len(plan.tracks):,} tracks that vary most."
    if all(sample.whole for sample in samples):
        return f"All bins.{which} Counts have a logarithmic scale."
    read = f"{max(len(sample.values) for sample in samples):,} of {plan.bins:,} bins"
    return f"{read}, in evenly spread stretches.{which} Counts have a logarithmic scale."


def describe_borders(plan: Plan, seams: Sequence[float] | None, bins: int) -> list[Row]:
    """The step at the border of windows, and the bins near ends of contigs, in words."""
    if seams:
        where = "all bins that are blended" if plan.geometry.blend else "both bins at a border"
        middle, worst = (
            sorted(seams)[len(seams) // 2],
            max(range(len(seams)), key=seams.__getitem__),
        )
        step = f"{format_percent(middle)} of the mean |value| there"
        if len(seams) > 1:
            step += f" for the middle track, {format_percent(seams[worst])} for the worst"
            step += f" ({plan.tracks[worst].name})"
        step += f"; neighbouring windows compared in {where}, {bins:,} bins"
    else:
        step = explain_unmeasured(plan)
    rows = [("step", step)]
    if plan.padded_bins:
        share = format_percent(plan.padded_bins / plan.bins)
        text = (
            f"{plan.padded_bins:,} bins ({share}) are so close to an end of their contig that "
            "their window reads N past it. Every genome has such bins; their values are kept."
        )
    else:
        text = "no window reads past the end of a contig"
    return [*rows, ("contig ends", text)]
