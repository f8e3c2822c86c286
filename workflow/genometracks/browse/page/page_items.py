"""The tracks of a page: which there are, in which order, and which are shown at first."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from genometracks.browse.drawing import choose_summary, is_minus
from genometracks.browse.scene import Features, Scene, ShownTrack
from genometracks.common.records import optional

__all__ = ["Item", "choose_first", "list_columns", "list_features", "list_items", "make_url"]

Kind = Literal["predicted", "observed", "genes", "sites", "regions"]


@dataclass(frozen=True)
class Item:
    """A track of the page.

    Attributes
    ----------
    id : str
        Unique in the page, for its address.
    name : str
        Any text.
    kind : str
    url : str
        Of the bigWig or bigBed, relative.
    values : tuple of str
        One per column of the run.
    low, high : float or None
        View limits; None for features.
    of : str or None
        The predicted track that observed ones or sites are compared with.
    summary : str
        What is drawn of bins that share a pixel: "mean", "max" or "min".
    minus : bool
        Whether it is of the minus strand.
    """

    id: str
    name: str
    kind: Kind
    url: str
    values: tuple[str, ...] = optional(())
    low: float | None = optional()
    high: float | None = optional()
    of: str | None = optional()
    summary: str = optional("mean")
    minus: bool = optional(False)


def make_url(file: Path, folder: Path) -> str:
    """Relative URL of a file, for a page in a folder.

    Examples
    --------
    >>> make_url(Path("results/demo/bigwig/a#1.bw"), Path("results/demo/page"))
    '../bigwig/a%231.bw'
    """
    return quote(Path(os.path.relpath(file.absolute(), folder.absolute())).as_posix())


def list_columns(tracks: Sequence[ShownTrack]) -> tuple[str, ...]:
    """Columns of the tracks that are shown, without the numbers of partners on the other strand."""
    columns = dict.fromkeys(key for track in tracks for key in track.metadata)
    own = {
        "description": any(track.description for track in tracks),
        "computed": any(track.computed for track in tracks),
    }
    others = (name for name in columns if name not in (*own, "strand_pair"))
    return (*(name for name, used in own.items() if used), *others)


def list_features(scene: Scene) -> list[tuple[Kind, Features]]:
    """Genes, regions and the blacklist of a run: what is not of one of its tracks."""
    genes: list[tuple[Kind, Features]] = [("genes", scene.genes)] if scene.genes else []
    return [*genes, *(("regions", each) for each in scene.regions)]


def list_items(
    scene: Scene,
    folder: Path,
    *,
    features: Sequence[tuple[Kind, Features]],
    columns: Sequence[str],
    prefix: str,
) -> Iterator[Item]:
    """Yield features, then each predicted track with its observed ones and its sites beneath it.

    Parameters
    ----------
    scene : Scene
    folder : Path
        Of the page.
    features : sequence of (kind, Features)
        Those of `list_features` that are listed.
    columns : sequence of str
        Names of the items' values.
    prefix : str
        Of the ids: "", or the name of the run and a slash.
    """
    for kind, each in features:
        yield _describe_features(kind, each, folder, prefix)
    below: dict[str | None, list[Item]] = {}
    for entry in scene.observed:
        below.setdefault(entry.track, []).append(
            Item(
                f"{prefix}observed:{entry.file.stem}",
                entry.name,
                "observed",
                make_url(entry.file, folder),
                low=entry.limits.low,
                high=entry.limits.high,
                of=f"{prefix}{entry.track}",
                summary=choose_summary(entry.limits),
            )
        )
    for each in scene.sites:
        below.setdefault(each.track, []).append(_describe_features("sites", each, folder, prefix))
    for track in scene.tracks:
        known = {"description": track.description, "computed": track.computed}
        row = {**track.metadata, **{key: text for key, text in known.items() if text}}
        yield Item(
            f"{prefix}{track.track}",
            track.name,
            "predicted",
            make_url(track.file, folder),
            tuple(_as_text(row.get(column)) for column in columns),
            track.limits.low,
            track.limits.high,
            summary=choose_summary(track.limits),
            minus=is_minus(track),
        )
        yield from below.get(track.track, [])


def _describe_features(kind: Kind, each: Features, folder: Path, prefix: str) -> Item:
    of = None if each.track is None else f"{prefix}{each.track}"
    name = f"{prefix}{kind}:{each.file.stem}"
    return Item(name, each.name, kind, make_url(each.file, folder), of=of)


def _as_text(value: object) -> str:
    return "" if value is None else str(value)


def choose_first(
    scene: Scene, items: Sequence[Item], *, count: int, prefix: str
) -> tuple[str, ...]:
    """Choose what is shown at first: genes, and tracks with what is compared with them.

    Tracks that are compared with something come first, then those whose values vary most.
    """
    compared = {each.track for each in scene.observed} | {each.track for each in scene.sites}
    ranked = sorted(scene.tracks, key=lambda each: (each.track not in compared, -each.signal))
    ids = {f"{prefix}{each.track}" for each in ranked[:count]}
    return tuple(
        item.id for item in items if item.id in ids or item.of in ids or item.kind == "genes"
    )
