"""The data of a page: what page.js reads, as records, made from the scenes of one or more runs."""

import filecmp
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from genometracks.browse.page.page_items import (
    Item,
    choose_first,
    list_columns,
    list_features,
    list_items,
    make_url,
)
from genometracks.browse.scene import Features, Scene
from grelu_models.files.hub import parse_artifact

__all__ = ["PageData", "make_page_data"]

FORMAT = 1

FIRST = 6
"""Tracks that are shown at first, apart from observed ones and features."""

MANY_CONTIGS = 500
"""Contigs from which on there is no view of the whole genome: the browser would read them all."""


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
        Features first, then each predicted track with what is compared with it.
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
    shown: dict[Path, list[Features]] = {fasta: [] for fasta in sharing}
    for scene in scenes:
        together = sharing[scene.fasta]
        prefix = f"{scene.run}/" if several else ""
        columns = list_columns(scene.tracks)
        known = shown[scene.fasta]
        features = [each for each in list_features(scene) if not _is_among(each[1], known)]
        known += [each for _, each in features]
        items = tuple(list_items(scene, folder, features=features, columns=columns, prefix=prefix))
        at, share = together.index(scene), max(1, FIRST // len(together))
        count = share if (at + 1) * share <= FIRST else 0
        first = choose_first(scene, items, count=count, prefix=prefix)
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


def _is_among(features: Features, others: Sequence[Features]) -> bool:
    """Whether another run on the genome has the same features, which are then listed once."""
    same = [each.file for each in others if each.name == features.name]
    return any(filecmp.cmp(each, features.file, shallow=False) for each in same)


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
        whole=_has_view_of_all(scene.contigs),
        start=Start(scene.locus.contig, scene.locus.start, scene.locus.end),
    )


def _has_view_of_all(contigs: Collection[str]) -> bool:
    """Whether the browser can draw all contigs at once: it takes `chr7` and `7` for one there."""
    names = {name.removeprefix("chr") for name in contigs}
    return len(names) == len(contigs) <= MANY_CONTIGS


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
