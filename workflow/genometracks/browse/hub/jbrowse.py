"""A config of JBrowse 2: the sequence, every track with its metadata, and what is open at first.

Format: https://jbrowse.org/jb2/docs/config_guide. Paths are relative to the config.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from genometracks.browse.hub.columns import Column, choose_columns, list_values
from genometracks.browse.hub.hub import format_locus, name_genome, name_twobit
from genometracks.browse.hub.selection import OBSERVED, choose_colours, choose_first
from genometracks.browse.hub.stanzas import link_path, list_marks
from genometracks.browse.labels import clean_text
from genometracks.browse.limits import Limits
from genometracks.browse.scene import Scene, ShownTrack
from genometracks.tracks.table import safe_names

__all__ = ["format_jbrowse"]

LABEL, CELL = 200, 1000
"""Characters of a name, and of a value of the metadata."""
MOST_TOGETHER = 20
"""Tracks of a group that are also offered as one track of several rows."""
Plain = dict[str, Any]
Colour = tuple[int, int, int]


def format_jbrowse(scene: Scene, folder: Path) -> str:
    """Format config.json.

    Parameters
    ----------
    scene : Scene
    folder : Path
        Folder of the config, to which paths are relative.
    """
    columns = choose_columns(scene.tracks, named=scene.group_by)
    colours = choose_colours(scene, columns)
    first = choose_first(scene, columns)
    assembly = scene.ucsc or name_genome(scene)
    writer = _Writer(scene, folder, assembly)
    signals = [*writer.list_signals(columns, colours)]
    marks = [*writer.list_marks()]
    shown = writer.open(first)
    opened = [track["trackId"] for track in signals if track["trackId"] in shown]
    opened += [track["trackId"] for track in marks]
    if scene.genes:  # above the signals
        opened = [marks[0]["trackId"], *(key for key in opened if key != marks[0]["trackId"])]
    config = {
        "assemblies": [writer.describe_assembly()],
        "tracks": [*signals, *writer.list_together(columns, colours), *marks],
        "defaultSession": {
            "name": _clean(scene.run, LABEL),
            "views": [
                {
                    "id": "tracks",
                    "type": "LinearGenomeView",
                    "init": {
                        "assembly": assembly,
                        "loc": format_locus(scene.locus, {}),
                        "tracks": opened,
                    },
                }
            ],
        },
    }
    return json.dumps(config, indent=1, ensure_ascii=False) + "\n"


class _Writer:
    """Parts of the config of a scene."""

    def __init__(self, scene: Scene, folder: Path, assembly: str) -> None:
        self._scene, self._folder, self._assembly = scene, folder, assembly
        names = safe_names([f"observed_{each.name}" for each in scene.observed])
        self._observed = [f"o_{name}" for name in names]

    def open(self, first: set[str]) -> set[str]:
        """Ids of the predicted tracks in `first`, and of the observed ones beside them."""
        pairs = zip(self._observed, self._scene.observed, strict=True)
        return {f"p_{stem}" for stem in first} | {key for key, each in pairs if each.track in first}

    def describe_assembly(self) -> Plain:
        """The sequence: the hub's 2bit file, or else the FASTA; and other names of contigs."""
        scene = self._scene
        if scene.ucsc is None:
            adapter = {
                "type": "TwoBitAdapter",
                "twoBitLocation": self._locate(scene.folder.hub / name_twobit(scene)),
                "chromSizesLocation": self._locate(scene.folder.chrom_sizes),
            }
        else:
            adapter = {
                "type": "IndexedFastaAdapter",
                "fastaLocation": self._locate(scene.fasta),
                "faiLocation": self._locate(Path(f"{scene.fasta}.fai")),
            }
        assembly: Plain = {
            "name": self._assembly,
            "displayName": _clean(scene.genome, LABEL),
            "sequence": {
                "type": "ReferenceSequenceTrack",
                "trackId": "sequence",
                "adapter": adapter,
            },
        }
        if scene.aliases:
            rows = [
                {"refName": contig, "uniqueId": contig, "aliases": [name]}
                for contig, name in scene.aliases.items()
            ]
            assembly["refNameAliases"] = {
                "adapter": {"type": "FromConfigAdapter", "adapterId": "aliases", "features": rows}
            }
        return assembly

    def list_signals(self, columns: Sequence[Column], colours: Sequence[Colour]) -> Iterator[Plain]:
        """Yield predicted tracks, each followed by the observed ones beside it."""
        scene = self._scene
        values = [list_values(scene.tracks, column.name) for column in columns[:2]]
        for row, track in enumerate(scene.tracks):
            place = [column[row] or "not given" for column in values]
            yield self._describe_signal(
                f"p_{track.track}",
                track.name,
                track.file,
                category=["Predicted", *map(_clean_cell, place)],
                colour=colours[row],
                limits=track.limits,
                metadata=_list_metadata(track),
            )
            for key, other in zip(self._observed, scene.observed, strict=True):
                if other.track == track.track:
                    yield self._describe_signal(
                        key,
                        other.name,
                        other.file,
                        category=["Observed"],
                        colour=OBSERVED,
                        limits=other.limits,
                        metadata={"compared with": _clean_cell(track.name)},
                    )

    def list_together(
        self, columns: Sequence[Column], colours: Sequence[Colour]
    ) -> Iterator[Plain]:
        """Yield tracks of several rows: predicted beside observed, and groups of a few tracks."""
        scene = self._scene
        for row, track in enumerate(scene.tracks):
            beside = [each for each in scene.observed if each.track == track.track]
            if beside:
                parts = [(track.name, track.file, colours[row])]
                parts += [(each.name, each.file, OBSERVED) for each in beside]
                name = f"{track.name}, predicted and observed"
                yield self._describe_several(f"c_{track.track}", name, parts, track.limits)
        groups: dict[str, list[int]] = {}
        if columns:
            for row, value in enumerate(list_values(scene.tracks, columns[0].name)):
                groups.setdefault(value, []).append(row)
        for place, (value, rows) in enumerate(groups.items()):
            if 1 < len(rows) <= MOST_TOGETHER:
                tracks = [scene.tracks[row] for row in rows]
                limits = Limits(
                    min(track.limits.low for track in tracks),
                    max(track.limits.high for track in tracks),
                )
                yield self._describe_several(
                    f"g_{place}",
                    f"{columns[0].name}: {value or 'not given'}",
                    [
                        (track.name, track.file, colours[row])
                        for row, track in zip(rows, tracks, strict=True)
                    ],
                    limits,
                )

    def list_marks(self) -> Iterator[Plain]:
        """Yield genes, sites and regions."""
        scene = self._scene
        for place, each in enumerate(list_marks(scene)):
            yield {
                "type": "FeatureTrack",
                "trackId": f"m_{place}",
                "name": _clean(each.name, LABEL),
                "assemblyNames": [self._assembly],
                "category": ["Genes, sites and regions"],
                "adapter": {
                    "type": "BigBedAdapter",
                    "bigBedLocation": self._locate(each.file),
                    # Each transcript is a feature of its own.
                    "aggregateField": "",
                },
            }

    def _describe_signal(
        self,
        key: str,
        name: str,
        file: Path,
        *,
        category: list[str],
        colour: Colour,
        limits: Limits,
        metadata: Plain,
    ) -> Plain:
        return {
            "type": "QuantitativeTrack",
            "trackId": key,
            "name": _clean(name, LABEL) or file.stem,
            "assemblyNames": [self._assembly],
            "category": category,
            "metadata": metadata,
            "adapter": {"type": "BigWigAdapter", "bigWigLocation": self._locate(file)},
            "displays": [
                {
                    "type": "LinearWiggleDisplay",
                    "displayId": f"{key}-LinearWiggleDisplay",
                    "minScore": limits.low,
                    "maxScore": limits.high,
                    "renderers": {
                        "XYPlotRenderer": {
                            "type": "XYPlotRenderer",
                            "color": _format_colour(colour),
                        }
                    },
                }
            ],
        }

    def _describe_several(
        self, key: str, name: str, parts: Sequence[tuple[str, Path, Colour]], limits: Limits
    ) -> Plain:
        sources = _make_unique([_clean(label, LABEL) or file.stem for label, file, _ in parts])
        return {
            "type": "MultiQuantitativeTrack",
            "trackId": key,
            "name": _clean(name, LABEL),
            "assemblyNames": [self._assembly],
            "category": ["Several tracks in one"],
            "adapter": {
                "type": "MultiWiggleAdapter",
                "subadapters": [
                    {
                        "type": "BigWigAdapter",
                        "source": source,
                        "color": _format_colour(colour),
                        "bigWigLocation": self._locate(file),
                    }
                    for source, (_, file, colour) in zip(sources, parts, strict=True)
                ],
            },
            "displays": [
                {
                    "type": "MultiLinearWiggleDisplay",
                    "displayId": f"{key}-MultiLinearWiggleDisplay",
                    "minScore": limits.low,
                    "maxScore": limits.high,
                }
            ],
        }

    def _locate(self, file: Path) -> Plain:
        uri = quote(link_path(file, self._folder), safe="/+")
        return {"uri": uri, "locationType": "UriLocation"}


def _list_metadata(track: ShownTrack) -> Plain:
    """The metadata of a track that is not empty, as text."""
    given = {"description": track.description, **track.metadata, "computed": track.computed}
    cells = {
        _clean(key, LABEL): _clean_cell(value) for key, value in given.items() if value is not None
    }
    return {key: cell for key, cell in cells.items() if cell}


def _clean_cell(value: object) -> str:
    return _clean(value, CELL)


def _clean(value: object, most: int) -> str:
    """A line of text that JBrowse does not evaluate, as it does what begins with `jexl:`."""
    text = clean_text(value, most=most)
    return text.replace("jexl:", "jexl ", 1) if text.startswith("jexl:") else text


def _format_colour(colour: Colour) -> str:
    return f"rgb({','.join(map(str, colour))})"


def _make_unique(names: Sequence[str]) -> list[str]:
    """Number the names that occur again."""
    found: list[str] = []
    for name in names:
        unique, count = name, 1
        while unique in found:
            count += 1
            unique = f"{name} {count}"
        found.append(unique)
    return found
