"""A small run's folder with what its page shows, and servers for it."""

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pybigtools

from genometracks.bigwig.writer import BigWigWriter
from genometracks.browse.limits import Limits
from genometracks.browse.page.serve import open_server
from genometracks.browse.page.site import Site
from genometracks.browse.scene import Features, Scene, ShownObserved, ShownTrack
from genometracks.config.folders import RunFolder
from genometracks.evaluation.locus import Locus

BIN = 10


@dataclass(frozen=True)
class Shown:
    """A predicted track of a test: its value in each bin is `high` in a contig's second half."""

    name: str
    low: float = 1.0
    high: float = 3.0
    metadata: Mapping[str, str] = field(default_factory=dict)
    description: str = ""


def write_scene(
    folder: Path,
    tracks: Sequence[Shown],
    *,
    contigs: Mapping[str, int],
    observed: Sequence[tuple[str, int]] = (),
    genes: Sequence[tuple[str, int, int, str]] = (),
    fasta: Path | None = None,
    genome: str = "toy",
    **changes: Any,
) -> Scene:
    """Write a run's folder with bigWigs, a FASTA and bigBeds, and return what is shown of it.

    Parameters
    ----------
    folder : Path
    tracks : sequence of Shown
    contigs : mapping
        Name -> length. The bases are A in the first half of a contig, and C in the second.
    observed : sequence of (name, row)
        Observed tracks, and the predicted track that each is compared with, whose values it has.
    genes : sequence of (contig, start, end, name)
    fasta : Path, optional
        An existing FASTA. Default is None: one is written to the run's folder.
    **changes
        Other fields of the scene.
    """
    run = RunFolder(folder)
    limits = Limits(min(0.0, *(each.low for each in tracks)), 4.0)
    shown = []
    for number, each in enumerate(tracks):
        file = run.bigwig / f"t{number}.bw"
        write_halves(file, contigs, each)
        shown.append(
            ShownTrack(
                track=f"t{number}",
                name=each.name,
                description=each.description,
                metadata=dict(each.metadata),
                computed="",
                file=file,
                limits=limits,
                signal=each.high - each.low,
            )
        )
    pairs = []
    for number, (name, row) in enumerate(observed):
        file = run.reference / "observed" / f"o{number}.bw"
        write_halves(file, contigs, tracks[row])
        pairs.append(ShownObserved(name, file, f"t{row}", limits))
    if genes:
        write_bigbed(run.reference / "genes.bb", contigs, genes)
    for name in ("report.html", "summary.txt", "tracks.tsv", "manifest.json", "hub/hub.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    first = next(iter(contigs))
    scene = Scene(
        run=folder.name,
        folder=run,
        genome=genome,
        ucsc=None,
        contigs=dict(contigs),
        fasta=fasta or write_bases(folder / "work" / "genome.fa", contigs),
        bin=BIN,
        tracks=tuple(shown),
        observed=tuple(pairs),
        genes=Features("genes", run.reference / "genes.bb") if genes else None,
        sites=(),
        regions=(),
        locus=Locus(first, 0, contigs[first]),
        group_by=(),
        email=None,
        licence=None,
    )
    return Scene(**{**vars(scene), **changes})


def write_halves(file: Path, contigs: Mapping[str, int], track: Shown) -> None:
    """Write a bigWig: `low` in the first half of each contig, `high` in the second."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with BigWigWriter(file, contigs, step=BIN) as writer:
        for name in sorted(contigs):
            bins = contigs[name] // BIN
            values = np.where(np.arange(bins) < bins // 2, track.low, track.high)
            writer.write(name, 0, values.astype(np.float32))


def write_bases(file: Path, contigs: Mapping[str, int]) -> Path:
    """Write a FASTA with its index: A in the first half of each contig, C in the second."""
    file.parent.mkdir(parents=True, exist_ok=True)
    index, text = [], ""
    for name, length in contigs.items():
        text += f">{name}\n"
        index.append(f"{name}\t{length}\t{len(text)}\t{length}\t{length + 1}\n")
        text += "A" * (length // 2) + "C" * (length - length // 2) + "\n"
    file.write_text(text)
    Path(f"{file}.fai").write_text("".join(index))
    return file


def write_bigbed(
    file: Path, contigs: Mapping[str, int], rows: Sequence[tuple[str, int, int, str]]
) -> None:
    """Write a bigBed of named intervals."""
    file.parent.mkdir(parents=True, exist_ok=True)
    entries = [(name, start, end, f"{text}\t0\t+") for name, start, end, text in sorted(rows)]
    pybigtools.open(str(file), "w").write(dict(contigs), entries)


@contextmanager
def serve(root: Path, runs: Sequence[str], page: str) -> Iterator[str]:
    """Serve a page by our server; yield its address."""
    with open_server(Site(root.resolve(), tuple(runs), page), _any_port()) as server:
        with _running(server):
            yield server.address


@contextmanager
def serve_plainly(root: Path) -> Iterator[str]:
    """Serve a folder by a server without byte ranges; yield its address."""
    handler = partial(_Quiet, directory=str(root))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, _running(server):
        yield f"http://127.0.0.1:{server.server_port}/"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def _any_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def _running(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
