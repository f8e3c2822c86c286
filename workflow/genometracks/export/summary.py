"""summary.txt: a run in a few lines."""

from collections.abc import Iterator
from pathlib import Path

from genometracks.common.records import from_plain, load_plain
from genometracks.common.sealing import Seal, write_sealed
from genometracks.config.folders import RunFolder
from genometracks.config.sections import EvaluationConfig
from genometracks.evaluation.table import (
    find_row,
    find_site_row,
    name_shift,
    read_evaluation,
    read_site_scores,
)
from genometracks.export.stage_times import measure_wall
from genometracks.plan.plan import Plan
from genometracks.shards.provenance import Provenance
from genometracks.shards.sidecar import Seams
from genometracks.shards.underflow import describe_underflow


def write_summary(
    path: Path, plan: Plan, *, evaluation: EvaluationConfig, logs: Path
) -> tuple[str, Seal]:
    """Write summary.txt; return its text and its seal.

    It has the bins, tracks, time, arithmetic, seams, correlation, a line for each entry of sites,
    licence and citation of the weights, and paths.

    Parameters
    ----------
    path : Path
        In the run's folder, beside manifest.json and evaluation.tsv.
    plan : Plan
    evaluation : EvaluationConfig
    logs : Path
        Folder of the stages' logs, from which the wall time is computed.

    Raises
    ------
    UserError
        If the manifest is missing or damaged.
    """
    folder, geometry, lengths = RunFolder(path.parent), plan.geometry, plan.lengths
    width = f"{geometry.span} bp"
    if geometry.span < geometry.bin:
        width += f", one each {geometry.bin} bp"
    first = ", ".join(track.name for track in plan.tracks[:3])
    names = first + (", ..." if len(plan.tracks) > 3 else "")
    seconds, predicting = measure_wall(logs), measure_wall(logs, "predict/*.log")
    made = read_provenance(folder.manifest)
    bases = sum(lengths.values())
    unread = ""
    if plan.genome.ambiguous:
        share = f"{100 * plan.genome.ambiguous / bases:.2g}%"
        unread = f", {share} of them ambiguous letters, read as N"
    text = [
        f"bins         {plan.bins:,} of {width}; contigs: {len(lengths):,}, {bases:,} bp{unread}"
        f"{describe_padding(plan)}",
        f"tracks       {len(plan.tracks):,} ({names}): {plan.tracks[0].computed}",
        f"wall time    {seconds:.0f} s, of which prediction {predicting:.0f} s",
        f"arithmetic   {_describe_arithmetic(plan, made)}",
        f"seams        {_describe_seams(plan, made.borders)}",
        *_describe_correlation(folder.evaluation, evaluation),
        *_describe_sites(folder.evaluation, evaluation),
        *_describe_terms(plan),
        f"tracks are in {path.parent}/: bigwig/  parquet/  tracks.tsv  manifest.json",
    ]
    with write_sealed(path) as file:
        file.write("".join(line + "\n" for line in text).encode())
    return "\n".join(text), file.sealed


def read_provenance(manifest: Path) -> Provenance:
    """Read from a manifest how the values were computed."""

    def make(plain: dict[str, object]) -> Provenance:
        made = from_plain(Provenance, plain["prediction"])
        if not all(size.isdecimal() for size in made.batch_sizes):
            raise ValueError("a batch size is not a number")
        return made

    return load_plain(manifest, make, what="manifest")


def _describe_arithmetic(plan: Plan, made: Provenance) -> str:
    """Describe precision, device and batch size, the deviation from fp32, and lost digits."""
    settings = plan.settings
    text = f"{settings.precision} on {', '.join(made.devices)}, batches of {settings.batch_size}"
    smaller = [size for size in made.batch_sizes if int(size) < settings.batch_size]
    if smaller:
        text += f" ({', '.join(smaller)} at once where memory was short)"
    if made.deviation:
        text += f", at most {made.deviation.relative:.2g} of the largest value off"
    names = [track.name for track in plan.tracks]
    lost = describe_underflow(made.underflow, names=names, bins=plan.bins)
    return f"{text}; {lost}" if lost else text


def describe_padding(plan: Plan) -> str:
    """Number and share of the bins whose windows read N past a contig's end, which is normal."""
    if not plan.padded_bins:
        return ""
    share = f"{100 * plan.padded_bins / plan.bins:.2g}%"
    return f"; {plan.padded_bins:,} bins ({share}) near contig ends read N, as usual"


def list_seams(seams: Seams) -> list[float]:
    """Difference of neighbouring windows of each track, as a part of its mean |value| there."""
    pairs = zip(seams.difference, seams.scale, strict=True)
    return [difference / scale if scale else 0.0 for difference, scale in pairs]


def explain_unmeasured(plan: Plan) -> str:
    """Why the difference of neighbouring windows is not known."""
    if not plan.geometry.trim:
        return (
            "not measurable: without prediction.trim, no bin at a border is predicted by two "
            "windows"
        )
    return "not measured: no two windows are neighbours, or an earlier version predicted the shards"


def _describe_seams(plan: Plan, seams: Seams | None) -> str:
    """Describe the mean difference of neighbouring windows: three tracks, or middle and worst."""
    if seams is None:
        return explain_unmeasured(plan)
    names = [track.name for track in plan.tracks]
    rows = list(zip(list_seams(seams), names, strict=True))
    shown = rows
    if len(rows) > 3:
        rows.sort()
        middle, worst = rows[len(rows) // 2], rows[-1]
        shown = [(middle[0], "the middle track"), (worst[0], f"the worst, {worst[1]}")]
    parts = ", ".join(f"{part:.2%} {name}" for part, name in shown)
    where = "that are blended" if plan.geometry.blend else "on each side of a border"
    return f"neighbouring windows differ in the bins {where} by {parts} of the mean |value| there"


def _describe_correlation(table: Path, evaluation: EvaluationConfig) -> Iterator[str]:
    if not evaluation.observed:
        if not evaluation.sites:
            yield "correlation  no observed tracks in the config"
        return
    rows = read_evaluation(table)
    found = [find_row(rows, entry) for entry in evaluation.observed]
    where = "held-out bins" if found[0].bins_in == "held_out" else "all bins"
    values = "; ".join(f"{row.pearson:.4f} {row.track} and {row.observed}" for row in found[:3])
    yield f"correlation  Pearson on {where}: {values}"


def _describe_sites(table: Path, evaluation: EvaluationConfig) -> Iterator[str]:
    """Yield a line for each entry of sites."""
    rows = read_site_scores(table) if evaluation.sites else []
    for entry in evaluation.sites:
        row = find_site_row(rows, entry)
        where = "held-out bins" if row.bins_in == "held_out" else "all bins"
        moved = f"{row.shifted_top_k:.4f} and {row.shifted_average_precision:.4f}"
        yield (
            f"sites        top-k {row.top_k:.4f}, average precision {row.average_precision:.4f} on "
            f"{where} ({moved} moved by {name_shift(row.shift)}): {row.track} and {row.observed}"
        )


def _describe_terms(plan: Plan) -> Iterator[str]:
    """Yield a line of licence and citation of the weights, if one of them is known."""
    known = {"licence": plan.model.licence, "cite": plan.model.citation}
    parts = [f"{what} {text}" for what, text in known.items() if text]
    if parts:
        yield f"weights      {'; '.join(parts)}"
