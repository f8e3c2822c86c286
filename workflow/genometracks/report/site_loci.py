"""Pictures of the sites that a track finds best and worst."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from genometracks.bigwig.reader import BigWigReader
from genometracks.common.intervals import Intervals
from genometracks.config.folders import RunFolder
from genometracks.config.sections import EvaluationConfig, Sites
from genometracks.evaluation.locus import Locus
from genometracks.evaluation.locus_figure import Curve, encode_locus
from genometracks.evaluation.site_bins import Grid, SiteBins, find_site_bins, list_keys
from genometracks.evaluation.sites import site_label
from genometracks.plan.plan import Plan
from genometracks.report.render import Picture, format_value, make_picture
from genometracks.tracks.table import name_rows

__all__ = ["show_site_loci"]

ENTRIES = 2
"""Entries of sites whose loci are shown."""
MOST = 1_000
"""Bins with a site whose values are read; where there are more, they are evenly spread."""
AROUND = 100
"""Bins that are shown on each side of a site."""
DPI = 110


@dataclass(frozen=True)
class Found:
    """A bin with a site, and the value of the track in it."""

    contig: str
    bin: int
    value: float


def show_site_loci(plan: Plan, folder: RunFolder, *, evaluation: EvaluationConfig) -> list[Picture]:
    """Show the sites of the highest and of the lowest value, for the first entries of sites.

    Held-out bins are preferred, where there are any.

    Raises
    ------
    UserError
        If a file of sites or a bigWig is missing or damaged.
    """
    rows, grid = name_rows(plan.tracks), Grid.of_plan(plan)
    entries = evaluation.sites[:ENTRIES]
    pictures: list[Picture] = []
    for entry, key in zip(entries, list_keys(entries, list(rows)), strict=True):
        file = folder.bigwig / f"{plan.tracks[rows[entry.track]].track}.bw"
        parts = find_site_bins(entry, key=key, grid=grid, held_out=evaluation.held_out)
        held = [part for part in parts if part.bins_in == "held_out" and len(part.labels)]
        parts = held or [part for part in parts if part.bins_in == "all"]
        with BigWigReader(file) as reader:
            found, number = _read_sites(plan, reader, parts)
            for word, each in _pick(found):
                curves = _cut_curves(plan, reader, entry, parts, each)
                # Both pictures have one scale, so that a low value looks low.
                curves[0] = replace(curves[0], reach=max(site.value for site in found))
                read = len(found), number
                pictures.append(_draw(plan, entry, curves, each, word, read, held=bool(held)))
    return pictures


def _read_sites(
    plan: Plan, reader: BigWigReader, parts: Sequence[SiteBins]
) -> tuple[list[Found], int]:
    """Values of the bins with a site, or of a part of them, and the number of all."""
    bins = [
        (part.contig, first + i)
        for part in parts
        for first, last in part.labels.tolist()
        for i in range(last - first)
    ]
    number = len(bins)
    if number > MOST:
        bins = [bins[i * (number - 1) // (MOST - 1)] for i in range(MOST)]
    step, span = plan.geometry.bin, plan.geometry.span
    found = []
    for contig, at in bins:
        value = float(reader.bin_means(contig, step, at, at + 1, span=span)[0])
        if np.isfinite(value):
            found.append(Found(contig, at, value))
    return found, number


def _pick(found: Sequence[Found]) -> list[tuple[str, Found]]:
    if not found:
        return []
    best, worst = max(found, key=lambda e: e.value), min(found, key=lambda e: e.value)
    return [("highest", best), ("lowest", worst)] if best != worst else [("highest", best)]


def _cut_curves(
    plan: Plan, reader: BigWigReader, entry: Sites, parts: Sequence[SiteBins], at: Found
) -> list[Curve]:
    step, span = plan.geometry.bin, plan.geometry.span
    first, last = _surround(plan, at)
    values = reader.bin_means(at.contig, step, first, last, span=span)
    starts = np.arange(first, last) * step
    labels = next(part.labels for part in parts if part.contig == at.contig)
    marks = _mark(labels, first, last)
    return [
        Curve(f"{entry.track}, predicted", starts, span, values, "track"),
        Curve(f"{site_label(entry)}, bins with a site", starts, span, marks, "sites"),
    ]


def _surround(plan: Plan, at: Found) -> tuple[int, int]:
    """The bins that are shown, inside of the contig."""
    bins = -(-plan.lengths[at.contig] // plan.geometry.bin)
    return max(at.bin - AROUND, 0), min(at.bin + AROUND + 1, bins)


def _mark(
    labels: Intervals, first: int, last: int
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """1 in the bins [first, last) that have a site, and 0 in the others."""
    marks = np.zeros(last - first)
    for begin, end in labels[(labels[:, 1] > first) & (labels[:, 0] < last)].tolist():
        marks[max(begin - first, 0) : end - first] = 1
    return marks


def _draw(
    plan: Plan,
    entry: Sites,
    curves: Sequence[Curve],
    at: Found,
    word: str,
    read: tuple[int, int],
    *,
    held: bool,
) -> Picture:
    first, last = _surround(plan, at)
    step, length = plan.geometry.bin, plan.lengths[at.contig]
    locus = Locus(at.contig, first * step, min(last * step, length))
    png = encode_locus(locus, tracks=curves, dpi=DPI)
    some = f"{read[0]:,} of {read[1]:,}" if read[0] < read[1] else f"{read[0]:,}"
    some += " held-out bins with a site" if held else " bins with a site"
    text = f"{entry.track} and {site_label(entry)}: {word} value at a site"
    return make_picture(
        png,
        alt=f"{text}, {at.contig}:{at.bin * step:,}",
        caption=f"{text}, {format_value(at.value)} at {at.contig}:{at.bin * step:,}, of {some}.",
        dpi=DPI,
    )
