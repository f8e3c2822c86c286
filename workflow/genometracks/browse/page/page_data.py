"""The data of a page: what page.js reads, as records, made from the scenes of one or more runs."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from genometracks.browse.scene import Features, Scene, ShownObserved, ShownTrack
from genometracks.common.records import optional
from grelu_models.files.hub import parse_artifact

__all__ = ["PageData", "make_page_data"]

FORMAT = 1

FIRST = 6
"""Tracks that are shown at first, apart from observed ones and features."""

MANY_CONTIGS = 500
"""Contigs from which on there is no view of the whole genome: the browser would read them all."""

Kind = Literal["predicted", "observed", "genes", "sites", "regions"]


@dataclass(frozen=True)
class Link:
    """A file beside the page, as a relative URL."""

    text: str
    url: str


@dataclass(frozen=True)
class Start:
    """Where to start, 0-based, half-open."""

    contig: str
    start: int
    end: int


@dataclass(frozen=True)
class Reference:
    """A genome: relative URL of its FASTA, whose index has `.fai` appended."""

    name: str
    fasta: str
    contigs: int
    bases: int
    whole: bool
    start: Start


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
        The predicted track that an observed one is compared with.
    """

    id: str
    name: str
    kind: Kind
    url: str
    values: tuple[str, ...] = optional(())
    low: float | None = optional()
    high: float | None = optional()
    of: str | None = optional()


@dataclass(frozen=True)
class PageRun:
    """A run of the page.

    Attributes
    ----------
    name : str
    reference : int
        Position of its genome in the page's.
    bin : int
        Width of a bin in bp.
    model : str
        What names the model's weights.
    licence : str or None
    links : tuple of Link
    columns : tuple of str
        Names of the items' values.
    group_by : tuple of str
        Columns that group the tracks at first.
    items : tuple of Item
        Features first, then each predicted track with its observed ones.
    first : tuple of str
        Items that are shown at first.
    """

    name: str
    reference: int
    bin: int
    model: str
    licence: str | None
    links: tuple[Link, ...]
    columns: tuple[str, ...]
    group_by: tuple[str, ...]
    items: tuple[Item, ...]
    first: tuple[str, ...]


@dataclass(frozen=True)
class PageData:
    """Everything that a page shows."""

    format: int
    references: tuple[Reference, ...]
    runs: tuple[PageRun, ...]


def make_page_data(scenes: Sequence[Scene], folder: Path) -> PageData:
    """Collect what a page shows.

    Parameters
    ----------
    scenes : sequence of Scene
        One per run.
    folder : Path
        Folder of the page, to which URLs are relative.
    """
    several = len(scenes) > 1
    sharing: dict[Path, list[Scene]] = {}
    for scene in scenes:
        sharing.setdefault(scene.fasta, []).append(scene)
    names = _name_genomes([group[0] for group in sharing.values()])
    runs = []
    for scene in scenes:
        together = sharing[scene.fasta]
        prefix = f"{scene.run}/" if several else ""
        columns = _list_columns(scene.tracks)
        items = tuple(_list_items(scene, folder, columns=columns, prefix=prefix))
        at, share = together.index(scene), max(1, FIRST // len(together))
        count = share if (at + 1) * share <= FIRST else 0
        first = _choose_first(scene, items, count=count, prefix=prefix, features=at == 0)
        runs.append(
            PageRun(
                name=scene.run,
                reference=list(sharing).index(scene.fasta),
                bin=scene.bin,
                model=name_model(scene.weights),
                licence=scene.licence,
                links=tuple(_list_links(scene, folder)),
                columns=columns,
                group_by=scene.group_by,
                items=items,
                first=first,
            )
        )
    references = (
        _describe_genome(group[0], name, folder)
        for name, group in zip(names, sharing.values(), strict=True)
    )
    return PageData(FORMAT, tuple(references), tuple(runs))


def _name_genomes(scenes: Sequence[Scene]) -> list[str]:
    """Names of the genomes of some runs, with that of the run where several have the same."""
    names = [scene.genome for scene in scenes]
    return [
        f"{scene.genome} ({scene.run})" if names.count(scene.genome) > 1 else scene.genome
        for scene in scenes
    ]


def _describe_genome(scene: Scene, name: str, folder: Path) -> Reference:
    return Reference(
        name=name,
        fasta=make_url(scene.fasta, folder),
        contigs=len(scene.contigs),
        bases=sum(scene.contigs.values()),
        whole=len(scene.contigs) <= MANY_CONTIGS,
        start=Start(scene.locus.contig, scene.locus.start, scene.locus.end),
    )


def name_model(weights: Sequence[str]) -> str:
    """Name a model by its weights: the file's name, or the address on the hub.

    Examples
    --------
    >>> name_model(["models/fold0.ckpt", "models/fold1.ckpt"])
    'fold0.ckpt and 1 other fold'
    >>> name_model(["lab/model@v1:weights/model.ckpt"])
    'lab/model@v1:weights/model.ckpt'
    """
    if not weights:
        return ""
    first, others = weights[0], len(weights) - 1
    name = first if parse_artifact(first) else Path(first).name
    folds = f"{others} other fold" + ("s" if others > 1 else "")
    return f"{name} and {folds}" if others else name


def make_url(file: Path, folder: Path) -> str:
    """Relative URL of a file, for a page in a folder.

    Examples
    --------
    >>> make_url(Path("results/demo/bigwig/a#1.bw"), Path("results/demo/page"))
    '../bigwig/a%231.bw'
    """
    return quote(Path(os.path.relpath(file.absolute(), folder.absolute())).as_posix())


def _list_links(scene: Scene, folder: Path) -> list[Link]:
    run = scene.folder
    files = {
        "Report": run.report,
        "Summary": run.summary,
        "Table of tracks": run.tracks,
        "Manifest": run.manifest,
        "Track hub": run.hub / "hub.txt",
    }
    return [Link(text, make_url(file, folder)) for text, file in files.items()]


def _list_columns(tracks: Sequence[ShownTrack]) -> tuple[str, ...]:
    columns = dict.fromkeys(key for track in tracks for key in track.metadata)
    own = {
        "description": any(track.description for track in tracks),
        "computed": any(track.computed for track in tracks),
    }
    return (*(name for name, used in own.items() if used), *(c for c in columns if c not in own))


def _list_items(scene: Scene, folder: Path, *, columns: Sequence[str], prefix: str) -> list[Item]:
    features: list[tuple[Kind, Features]] = [("genes", scene.genes)] if scene.genes else []
    features += [("sites", each) for each in scene.sites]
    features += [("regions", each) for each in scene.regions]
    items = [
        Item(f"{prefix}{kind}:{each.file.stem}", each.name, kind, make_url(each.file, folder))
        for kind, each in features
    ]
    observed: dict[str, list[ShownObserved]] = {}
    for entry in scene.observed:
        observed.setdefault(entry.track, []).append(entry)
    for track in scene.tracks:
        known = {"description": track.description, "computed": track.computed}
        row = {**track.metadata, **{key: text for key, text in known.items() if text}}
        items.append(
            Item(
                f"{prefix}{track.track}",
                track.name,
                "predicted",
                make_url(track.file, folder),
                tuple(_as_text(row.get(column)) for column in columns),
                track.limits.low,
                track.limits.high,
            )
        )
        for entry in observed.get(track.track, []):
            items.append(
                Item(
                    f"{prefix}observed:{entry.file.stem}",
                    entry.name,
                    "observed",
                    make_url(entry.file, folder),
                    (),
                    entry.limits.low,
                    entry.limits.high,
                    f"{prefix}{track.track}",
                )
            )
    return items


def _as_text(value: object) -> str:
    return "" if value is None else str(value)


def _choose_first(
    scene: Scene, items: Sequence[Item], *, count: int, prefix: str, features: bool
) -> tuple[str, ...]:
    """The features, and tracks: those with observed ones first, then those with most signal."""
    paired = {entry.track for entry in scene.observed}
    ranked = sorted(scene.tracks, key=lambda each: (each.track not in paired, -each.signal))
    ids = {f"{prefix}{each.track}" for each in ranked[:count]}
    return tuple(
        item.id
        for item in items
        if item.id in ids or item.of in ids or (features and item.high is None)
    )
