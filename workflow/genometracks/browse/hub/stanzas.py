"""Stanzas of the predicted and observed tracks for a hub's trackDb.txt, by the trackhub library.

Format: https://genome.ucsc.edu/goldenPath/help/trackDb/trackDbHub.html. Texts of tracks are
cleaned; names and tags are made of letters, digits and underscores.
"""

import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from genometracks.browse.hub.columns import Column, choose_columns
from genometracks.browse.hub.selection import OBSERVED, choose_colours, choose_first
from genometracks.browse.hub.subgroups import (
    KIND,
    Subgroup,
    format_dimensions,
    make_subgroups,
    name_stanzas,
)
from genometracks.browse.labels import clean_text, shorten_middle
from genometracks.browse.limits import Limits
from genometracks.browse.scene import Features, Scene

__all__ = ["GROUPS", "LONG", "SHORT", "format_tracks", "link_path", "list_marks"]

SHORT, LONG = 17, 76
"""Characters of a short and of a long label that UCSC shows."""
GROUPS = {"signals": "Predicted and observed tracks", "marks": "Genes, sites and regions"}
"""Groups of tracks in an assembly hub; igv.js takes a group and a track of one name for one."""
COMPOSITE = "tracks"
"""Name of the stanza that holds the predicted and observed tracks."""


def format_tracks(scene: Scene, *, folder: Path, html: str) -> str:
    """Format trackDb.txt: a composite of the predicted and observed tracks, and the features.

    Parameters
    ----------
    scene : Scene
    folder : Path
        Folder of trackDb.txt, to which paths are relative.
    html : str
        Name of the page that describes the tracks, in `folder`.
    """
    with _import_trackhub() as trackhub, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of labels that the browser cuts, which are cut already
        tracks = trackhub.TrackDb()
        names = _Names.of(scene)
        tracks.add_tracks(_make_composite(trackhub, scene, names, folder=folder, html=html))
        tracks.add_tracks(_make_features(trackhub, scene, names, folder=folder, html=html))
        return str(tracks)


@contextmanager
def _import_trackhub() -> Iterator[Any]:
    """Import the library, which sets up logging when it is imported."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    import trackhub

    root.handlers[:] = handlers
    root.setLevel(level)
    yield trackhub


def link_path(path: Path, folder: Path) -> str:
    """The relative path from a folder to a file."""
    return os.path.relpath(path, folder)


@dataclass(frozen=True)
class _Names:
    """Names of the stanzas, each once in the hub."""

    tracks: list[str]
    observed: list[str]
    marks: list[str]

    @classmethod
    def of(cls, scene: Scene) -> "_Names":
        taken = [COMPOSITE, *GROUPS]
        tracks = name_stanzas([track.track for track in scene.tracks], taken=taken)
        taken += tracks
        observed = name_stanzas([f"observed_{each.name}" for each in scene.observed], taken=taken)
        taken += observed
        marks = name_stanzas([f"marks_{each.name}" for each in list_marks(scene)], taken=taken)
        return cls(tracks, observed, marks)


def _make_composite(trackhub: Any, scene: Scene, names: _Names, *, folder: Path, html: str) -> Any:
    columns = choose_columns(scene.tracks, named=scene.group_by)
    subgroups = make_subgroups(scene, columns)
    everywhere = Limits(
        min(track.limits.low for track in scene.tracks),
        max(track.limits.high for track in scene.tracks),
    )
    composite = trackhub.CompositeTrack(
        name=COMPOSITE,
        tracktype=_format_type(everywhere),
        short_label=clean_text(scene.run, most=SHORT),
        long_label=clean_text(f"Predicted tracks of {scene.genome}: {scene.run}", most=LONG),
        visibility="full",
        autoScale="off",
        maxHeightPixels="128:40:8",
        windowingFunction="mean+whiskers",
        dragAndDrop="subTracks",
        allButtonPair="on",
        html=html,
        **_group(scene, "signals"),
        **format_dimensions(subgroups),
    )
    composite.add_subgroups(
        trackhub.SubGroupDefinition(each.tag, each.label, each.members) for each in subgroups
    )
    composite.add_tracks(
        list(_list_signals(trackhub, scene, names, columns, subgroups, folder=folder))
    )
    return composite


def _list_signals(
    trackhub: Any,
    scene: Scene,
    names: _Names,
    columns: Sequence[Column],
    subgroups: Sequence[Subgroup],
    *,
    folder: Path,
) -> Iterator[Any]:
    """Yield each predicted track, and after it the observed tracks that it is compared with."""
    first, colours = choose_first(scene, columns), choose_colours(scene, columns)
    places = count(1)
    for row, track in enumerate(scene.tracks):
        shared = {each.tag: each.of_tracks[row] for each in subgroups}
        on = "on" if track.track in first else "off"
        name = clean_text(track.name, most=200)
        about = track.description if track.description != track.name else track.computed
        yield _make_signal(
            trackhub,
            names.tracks[row],
            name,
            clean_text(about, most=200),
            link_path(track.file, folder),
            limits=track.limits,
            colour=colours[row],
            parent=on,
            priority=next(places),
            subgroups=shared,
        )
        for stanza, other in zip(names.observed, scene.observed, strict=True):
            if other.track == track.track:
                yield _make_signal(
                    trackhub,
                    stanza,
                    clean_text(other.name, most=200),
                    f"observed, compared with {name}",
                    link_path(other.file, folder),
                    limits=other.limits,
                    colour=OBSERVED,
                    parent=on,
                    priority=next(places),
                    subgroups={**shared, KIND: "observed"},
                )


def _make_signal(
    trackhub: Any,
    name: str,
    label: str,
    about: str,
    url: str,
    *,
    limits: Limits,
    colour: tuple[int, int, int],
    **settings: Any,
) -> Any:
    return trackhub.Track(
        name=name,
        tracktype=_format_type(limits),
        short_label=shorten_middle(label or name, most=SHORT),
        long_label=clean_text(f"{label or name}: {about}" if about else label or name, most=LONG),
        bigDataUrl=url,
        viewLimits=f"{_format_limit(limits.low)}:{_format_limit(limits.high)}",
        color=",".join(map(str, colour)),
        **settings,
    )


def list_marks(scene: Scene) -> list[Features]:
    """Genes, sites and regions."""
    return [*([scene.genes] if scene.genes else []), *scene.sites, *scene.regions]


def _make_features(
    trackhub: Any, scene: Scene, names: _Names, *, folder: Path, html: str
) -> Iterator[Any]:
    """Yield the tracks of genes, sites and regions."""
    for place, (name, each) in enumerate(zip(names.marks, list_marks(scene), strict=True)):
        yield _make_feature(
            trackhub,
            name,
            each,
            genes=each is scene.genes,
            url=link_path(each.file, folder),
            html=html,
            priority=place + 1,
            **_group(scene, "marks"),
        )


def _make_feature(
    trackhub: Any, name: str, each: Features, *, genes: bool, url: str, **settings: Any
) -> Any:
    label = clean_text(each.name, most=LONG)
    more = {"searchIndex": "name", "labelFields": "name"} if genes else {}
    return trackhub.Track(
        name=name,
        tracktype="bigBed 12 +" if genes else "bigBed 3",
        short_label=shorten_middle(label, most=SHORT),
        long_label=label,
        bigDataUrl=url,
        visibility="pack" if genes else "dense",
        color="12,12,120" if genes else "60,60,60",
        **more,
        **settings,
    )


def _group(scene: Scene, group: str) -> dict[str, str]:
    """The group of a track; on UCSC's own genomes, a hub is one group."""
    return {} if scene.ucsc else {"group": group}


def _format_type(limits: Limits) -> str:
    return f"bigWig {_format_limit(limits.low)} {_format_limit(limits.high)}"


def _format_limit(value: float) -> str:
    return f"{value:.6g}"
