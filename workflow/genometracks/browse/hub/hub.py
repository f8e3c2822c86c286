"""A track hub of a run for the UCSC Genome Browser, and for others that read hubs.

hub.txt, genomes.txt, trackDb.txt and what they name; on a genome that UCSC does not have, also the
sequence as a 2bit file. Paths are relative, so that the run's folder can be put on any web server.
"""

import logging
from collections.abc import Iterable
from pathlib import Path

from genometracks.browse.hub.description import format_description
from genometracks.browse.hub.stanzas import GROUPS, LONG, SHORT, format_tracks, link_path
from genometracks.browse.hub.twobit import write_twobit
from genometracks.browse.labels import clean_text
from genometracks.browse.scene import Scene
from genometracks.common.sealing import Seal, write_sealed
from genometracks.evaluation.locus import Locus
from genometracks.tracks.table import safe_names

__all__ = ["format_locus", "name_genome", "name_twobit", "write_hub", "write_text"]

LOG = logging.getLogger(__name__)
NO_EMAIL = "unset@example.invalid"
"""What hub.txt says without `browser.email`: UCSC refuses a hub without an address."""
DESCRIPTION = "description.html"


def write_hub(scene: Scene) -> list[Seal]:
    """Write the hub of a run into `hub/`, and return the files' seals.

    Parameters
    ----------
    scene : Scene
        Its files of observed tracks, genes, sites and regions are written already.

    Raises
    ------
    UserError
        If a file cannot be written, or the sequence cannot be read.
    """
    folder = scene.folder.hub
    if not scene.email:
        LOG.info(f"hub.txt gives {NO_EMAIL} as its contact: set browser.email to publish the hub")
    tracks = format_tracks(scene, folder=folder, html=DESCRIPTION)
    files = {
        "hub.txt": _format_hub(scene),
        "genomes.txt": _format_genome(scene),
        "trackDb.txt": tracks.rstrip() + "\n",
        DESCRIPTION: format_description(scene),
    }
    twobit = None
    if scene.ucsc is None:
        files["groups.txt"] = _format_groups()
        twobit = folder / name_twobit(scene)
        if scene.aliases:
            files["chromAlias.txt"] = _format_aliases(scene)
    kept = {folder / name for name in files} | ({twobit} if twobit else set())
    for stale in (folder / "groups.txt", folder / "chromAlias.txt", *folder.glob("*.2bit")):
        if stale not in kept:
            stale.unlink(missing_ok=True)
    seals = [write_text(folder / name, text) for name, text in files.items()]
    if twobit:
        seals.append(write_twobit(scene.fasta, twobit, contigs=scene.contigs))
    return seals


def write_text(path: Path, text: str) -> Seal:
    """Write a text file, whole or not at all, and return its seal."""
    with write_sealed(path) as file:
        file.write(text.encode())
    return file.sealed


def format_locus(locus: Locus, aliases: dict[str, str]) -> str:
    """A locus as browsers write it: 1-based, both ends included, the contig by its other name."""
    return f"{aliases.get(locus.contig, locus.contig)}:{locus.start + 1}-{locus.end}"


def _format_hub(scene: Scene) -> str:
    return _format_stanza(
        {
            "hub": safe_names([scene.run])[0],
            "shortLabel": clean_text(scene.run, most=SHORT),
            "longLabel": clean_text(f"Predicted tracks of {scene.genome}: {scene.run}", most=LONG),
            "genomesFile": "genomes.txt",
            "email": clean_text(scene.email or NO_EMAIL, most=200),
            "descriptionUrl": DESCRIPTION,
        }
    )


def _format_genome(scene: Scene) -> str:
    """The stanza of genomes.txt; the library's has no aliases, sizes or page, and a wrong key."""
    if scene.ucsc:
        locus = format_locus(scene.locus, scene.aliases)
        lines = {"genome": scene.ucsc, "trackDb": "trackDb.txt", "defaultPos": locus}
        return _format_stanza(lines)
    name = clean_text(scene.genome, most=LONG)
    lines = {
        "genome": name_genome(scene),
        "trackDb": "trackDb.txt",
        "twoBitPath": name_twobit(scene),
        "chromSizes": link_path(scene.folder.chrom_sizes, scene.folder.hub),
        "groups": "groups.txt",
        "description": name,
        "organism": name,
        "scientificName": name,
        "defaultPos": format_locus(scene.locus, {}),
        "orderKey": "4800",
        "htmlPath": DESCRIPTION,
    }
    if scene.aliases:
        lines["chromAlias"] = "chromAlias.txt"
    return _format_stanza(lines)


def _format_groups() -> str:
    stanzas = [
        {"name": name, "label": label, "priority": str(place), "defaultIsClosed": "0"}
        for place, (name, label) in enumerate(GROUPS.items(), start=1)
    ]
    return "\n".join(map(_format_stanza, stanzas))


def _format_aliases(scene: Scene) -> str:
    """A table of contigs and their names at UCSC; the first line names the columns."""
    rows = [f"{contig}\t{scene.aliases.get(contig, '')}" for contig in scene.contigs]
    return _join(["# fasta\tucsc", *rows])


def _format_stanza(lines: dict[str, str]) -> str:
    return _join(f"{key} {value}" for key, value in lines.items())


def _join(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def name_genome(scene: Scene) -> str:
    """The genome's name in the hub, if it is not one of UCSC's."""
    return safe_names([scene.genome])[0].replace("+", "_")


def name_twobit(scene: Scene) -> str:
    """Name of the 2bit file in the hub's folder."""
    return f"{name_genome(scene)}.2bit"
