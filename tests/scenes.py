"""Scenes of toy runs, for what is written to look at them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from genometracks.bigwig.writer import BigWigWriter
from genometracks.browse.limits import Limits
from genometracks.browse.scene import Features, Scene, ShownObserved, ShownTrack
from genometracks.config.folders import RunFolder
from genometracks.evaluation.locus import Locus
from genometracks.inputs.genome import scan_fasta
from toys import random_bases, write_fasta

HOSTILE = [
    "a\nb",
    "x=y",
    'quote"s',
    "it's",
    "<script>alert(1)</script>",
    "β-cell, naïve",
    "back\\",
    "$(reboot)",
    "a\tb",
    "jexl:evil",
    "",
    "../../etc/passwd",
    "visibility hide\ntrack other",
    "\x1b[31m\u202e\u2028",
    "long " * 300,
]
"""Values of metadata that must not break a file."""


def make_tracks(
    folder: RunFolder, names: Sequence[str], **metadata: Sequence[object]
) -> tuple[ShownTrack, ...]:
    """Tracks t0, t1, ... of these names, with columns of metadata."""
    return tuple(
        ShownTrack(
            track=f"t{i}",
            name=name,
            description=f"about {name}",
            metadata={key: values[i] for key, values in metadata.items()},
            computed="",
            file=folder.bigwig / f"t{i}.bw",
            limits=Limits(0.0, 1.5 + i),
            signal=float(i),
        )
        for i, name in enumerate(names)
    )


def make_scene(root: Path, tracks: Sequence[str] = ("one", "two", "three"), **columns) -> Scene:
    """A scene without observed tracks and features; its sequence exists, its bigWigs do not."""
    folder = RunFolder(root / "run")
    fasta = folder.work / "genome.fa"
    if not fasta.exists():
        source = {"chr1": "N" * 13 + random_bases(1000, seed=1), "chr2": random_bases(402, seed=2)}
        scan_fasta(write_fasta(root / "toy.fa", source), fasta, name="toy", patterns=["*"])
    return Scene(
        run="run",
        folder=folder,
        genome="toy",
        ucsc=None,
        contigs={"chr1": 1013, "chr2": 402},
        fasta=fasta,
        bin=8,
        tracks=make_tracks(folder, tracks, **columns),
        observed=(),
        genes=None,
        sites=(),
        regions=(),
        locus=Locus("chr1", 100, 300),
        group_by=(),
        email="lab@example.org",
        licence=None,
    )


def add_everything(scene: Scene) -> Scene:
    """Add an observed track of the second track, genes, sites and regions."""
    data, second = scene.folder.reference, scene.tracks[1]
    seen = ShownObserved("seen", data / "observed" / "seen.bw", second.track, second.limits)
    return replace(
        scene,
        observed=(seen,),
        genes=Features("genes", data / "genes.bb"),
        sites=(Features("TSS", data / "sites" / "TSS.bb"),),
        regions=tuple(Features(name, data / f"{name}.bb") for name in ("regions", "blacklist")),
    )


def write_data(scene: Scene) -> None:
    """Write the bigWigs of a scene; other data files are empty."""
    rng = np.random.default_rng(0)
    for shown in (*scene.tracks, *scene.observed):
        shown.file.parent.mkdir(parents=True, exist_ok=True)
        with BigWigWriter(shown.file, scene.contigs, step=scene.bin) as out:
            for contig, length in scene.contigs.items():
                out.write(contig, 0, rng.random(-(-length // scene.bin)).astype(np.float32))
    for each in (scene.genes, *scene.sites, *scene.regions):
        if each:
            each.file.parent.mkdir(parents=True, exist_ok=True)
            each.file.touch()
    scene.folder.chrom_sizes.parent.mkdir(parents=True, exist_ok=True)
    scene.folder.chrom_sizes.touch()
