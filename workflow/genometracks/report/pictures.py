"""Pictures of a report: figures of the evaluation as they were written, and distributions."""

from collections.abc import Sequence

from genometracks.config.folders import RunFolder
from genometracks.evaluation.figure_style import DPI
from genometracks.plan.plan import Plan
from genometracks.report.figures import draw_histogram
from genometracks.report.render import Picture, make_picture
from genometracks.report.values import Sample

__all__ = ["SHOWN", "read_figure", "show_curves", "show_histograms"]

SHOWN = 8
"""Entries of the evaluation whose figures are in the report; the others are in `figures/`."""


def read_figure(folder: RunFolder, name: str, *, alt: str) -> Picture | None:
    """Take a figure of the evaluation into the report; None if it is missing."""
    try:
        return make_picture((folder.figures / name).read_bytes(), alt=alt, dpi=DPI)
    except OSError:
        return None


def show_curves(folder: RunFolder, labels: Sequence[tuple[str, str]]) -> list[Picture]:
    """Precision against recall of the entries of sites, (track, name) each."""
    found = [
        read_figure(folder, f"sites_{i}.png", alt=f"Precision against recall: {track} and {name}")
        for i, (track, name) in enumerate(labels[:SHOWN])
    ]
    return [picture for picture in found if picture]


def show_histograms(
    plan: Plan, rows: Sequence[int], samples: Sequence[Sample], *, scale: str | None
) -> list[Picture]:
    """Draw the distributions of the tracks at `rows`; `scale` is that of the model's output."""
    pictures = []
    for row, sample in zip(rows, samples, strict=True):
        track = plan.tracks[row]
        unit = str(track.metadata.get("units") or scale or f"value ({track.computed})")
        png = draw_histogram(sample, name=track.name, unit=unit)
        pictures.append(make_picture(png, alt=f"Distribution of the values of {track.name}"))
    return pictures
