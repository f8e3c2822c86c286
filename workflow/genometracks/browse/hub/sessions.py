"""Files with which other browsers open a run: the sessions of IGV and JBrowse.

Paths are relative to the session file. IGV opens every file that a session names, so it names the
tracks that are on in the hub, too, and no others.
"""

from pathlib import Path
from xml.etree import ElementTree

from genometracks.browse.drawing import choose_summary
from genometracks.browse.hub.columns import choose_columns
from genometracks.browse.hub.hub import format_locus, write_text
from genometracks.browse.hub.jbrowse import format_jbrowse
from genometracks.browse.hub.selection import OBSERVED, choose_colours, choose_first
from genometracks.browse.hub.stanzas import link_path, list_marks
from genometracks.browse.labels import clean_text
from genometracks.browse.limits import Limits
from genometracks.browse.scene import Scene
from genometracks.common.sealing import Seal

__all__ = ["write_sessions"]

LABEL = 200
"""Characters of a track's name."""
Element = ElementTree.Element


def write_sessions(scene: Scene) -> list[Seal]:
    """Write `igv_session.xml` and `jbrowse/config.json` into `hub/`.

    Returns the files' seals; raises UserError if one cannot be written.
    """
    hub = scene.folder.hub
    return [
        write_text(hub / "igv_session.xml", _format_igv(scene, hub)),
        write_text(hub / "jbrowse" / "config.json", format_jbrowse(scene, hub / "jbrowse")),
    ]


def _format_igv(scene: Scene, folder: Path) -> str:
    """A session of IGV desktop, format version 8."""
    columns = choose_columns(scene.tracks, named=scene.group_by)
    first = choose_first(scene, columns)
    session = Element(
        "Session",
        genome=scene.ucsc or link_path(scene.fasta, folder),
        locus=format_locus(scene.locus, scene.aliases if scene.ucsc else {}),
        hasGeneTrack="true" if scene.ucsc else "false",
        hasSequenceTrack="true",
        version="8",
    )
    resources = ElementTree.SubElement(session, "Resources")
    signals = ElementTree.SubElement(session, "Panel", name="DataPanel")
    marks = ElementTree.SubElement(session, "Panel", name="FeaturePanel")
    for track, colour in zip(scene.tracks, choose_colours(scene, columns), strict=True):
        if track.track not in first:
            continue
        path = link_path(track.file, folder)
        _add_resource(resources, path)
        _add_signal(signals, path, track.name, colour=colour, limits=track.limits)
        for other in scene.observed:
            if other.track == track.track:
                path = link_path(other.file, folder)
                _add_resource(resources, path)
                _add_signal(signals, path, other.name, colour=OBSERVED, limits=other.limits)
    for each in list_marks(scene):
        path = link_path(each.file, folder)
        _add_resource(resources, path)
        ElementTree.SubElement(
            marks,
            "Track",
            clazz="org.broad.igv.track.FeatureTrack",
            displayMode="EXPANDED" if each is scene.genes else "COLLAPSED",
            id=path,
            name=clean_text(each.name, most=LABEL),
            visible="true",
        )
    ElementTree.indent(session)
    text = ElementTree.tostring(session, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n{text}\n'


def _add_resource(resources: Element, path: str) -> None:
    ElementTree.SubElement(resources, "Resource", path=path)


def _add_signal(
    panel: Element, path: str, name: str, *, colour: tuple[int, int, int], limits: Limits
) -> None:
    rgb = ",".join(map(str, colour))
    track = ElementTree.SubElement(
        panel,
        "Track",
        altColor=rgb,
        autoScale="false",
        clazz="org.broad.igv.track.DataSourceTrack",
        color=rgb,
        height="40",
        id=path,
        name=clean_text(name, most=LABEL) or Path(path).stem,
        renderer="BAR_CHART",
        visible="true",
        windowFunction=choose_summary(limits),
    )
    ElementTree.SubElement(
        track,
        "DataRange",
        baseline="0.0",
        drawBaseline="true",
        flipAxis="false",
        maximum=str(limits.high),
        minimum=str(limits.low),
        type="LINEAR",
    )
