"""A small run's page, served, and headless Chromium to look at it."""

import json
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
import pytest

from genometracks.bigwig.writer import BigWigWriter
from genometracks.browse.limits import Limits
from genometracks.browse.scene import Features, Scene, ShownObserved, ShownTrack
from genometracks.browse.serve import open_server
from genometracks.browse.site import Site
from genometracks.config.folders import RunFolder
from genometracks.evaluation.locus import Locus

CHROMIUM = Path("/usr/bin/chromium")
BIN = 10
WATCH = """
window.violations = [];
window.fired = 0;
document.addEventListener("securitypolicyviolation", event => {
    window.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""


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
        file = run.hub / "observed" / f"o{number}.bw"
        write_halves(file, contigs, tracks[row])
        pairs.append(ShownObserved(name, file, f"t{row}", limits))
    if genes:
        write_bigbed(run.hub / "genes.bb", contigs, genes)
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
        genes=Features("genes", run.hub / "genes.bb") if genes else None,
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


@contextmanager
def open_chromium() -> Iterator[Any]:
    """Headless Chromium; skips the tests where it or playwright is not installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if not CHROMIUM.exists():
        pytest.skip(f"needs {CHROMIUM}, Debian's package chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


class Visit:
    """A page that is looked at, what went wrong in it, and what it requested.

    Attributes
    ----------
    page : playwright's Page
    problems : list of str
        Errors of the console, exceptions, and violations of the content security policy.
    foreign : list of str
        Addresses of other servers that were requested; all of them are blocked.
    requested : list of str
        Paths of the page's own server.
    """

    def __init__(self, page: Any, url: str) -> None:
        self.page, self._url = page, url
        self.problems: list[str] = []
        self.foreign: list[str] = []
        self.requested: list[str] = []
        page.on("console", lambda each: each.type == "error" and self.problems.append(each.text))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.context.route("**/*", self._pass)
        page.set_default_timeout(15_000)
        page.add_init_script(WATCH)

    def _pass(self, route: Any) -> None:
        url = route.request.url
        own = "/".join(self._url.split("/")[:3]) + "/"
        if url.startswith((own, "data:", "blob:")):
            self.requested.append(url.removeprefix(own))
            route.continue_()
        else:
            self.foreign.append(url)
            route.abort()

    def open(self, hash: str = "") -> "Visit":
        """Open the page, and wait until its tracks are drawn."""
        self.page.goto(self._url + hash)
        self.page.wait_for_selector("html.ready", state="attached")
        return self

    def check(self) -> None:
        """Assert that nothing went wrong, and that nothing was loaded from elsewhere."""
        assert self.page.evaluate("window.violations") == []
        assert self.page.evaluate("window.fired") == 0
        assert self.problems == []
        assert self.foreign == []

    def shown(self) -> list[str]:
        """Labels of the tracks that are drawn, from top to bottom."""
        return self.page.evaluate(LABELS)

    def wait_for_shown(self, labels: Sequence[str]) -> None:
        """Wait until these tracks are drawn."""
        self.page.wait_for_function(
            f"wanted => JSON.stringify(({LABELS})()) === wanted",
            arg=json.dumps(list(labels), separators=(",", ":"), ensure_ascii=False),
        )

    def columns(self, label: str) -> list[tuple[int, str]]:
        """Of a track's picture, in the middle of each tenth: how much has a colour, and which.

        Parameters
        ----------
        label : str
            The track's label, or "sequence".

        Returns
        -------
        list of (percent, "red,green,blue")
            The most frequent colour that is not white.
        """
        return [tuple(each) for each in self.page.evaluate(COLUMNS, label)]

    def wait_for_columns(self, label: str, percents: Sequence[int], colour: str) -> None:
        """Wait until a track's columns are so, by 3% of its height; fail with what they are."""
        wanted = [(pytest.approx(each, abs=3), colour if each else "") for each in percents]
        for _ in range(100):
            found = self.columns(label)
            if found == wanted:
                return
            self.page.wait_for_timeout(100)
        assert found == wanted, found

    def wait_for_address(self, part: str) -> None:
        """Wait until the address has this part after '#'."""
        self.page.wait_for_function("part => location.hash.includes(part)", arg=part)

    def rows(self) -> list[str]:
        """Texts of the rows of the list that are in the document."""
        return self.page.locator("#list .row .label").all_text_contents()


LABELS = """() => [...document.getElementById("igv").shadowRoot
    .querySelectorAll(".igv-track-label")].map(label => label.textContent)"""
COLUMNS = """label => {
    const root = document.getElementById("igv").shadowRoot;
    const viewports = [...root.querySelectorAll(".igv-viewport")];
    const viewport = viewports.find(each => label === "sequence"
        ? each.querySelector("canvas") && viewports.indexOf(each) === SEQUENCE
        : each.querySelector(".igv-track-label")?.textContent === label);
    const canvas = viewport?.querySelector("canvas");
    if (!canvas?.width) {
        return [];
    }
    const frame = viewport.getBoundingClientRect();
    const place = canvas.getBoundingClientRect();
    const scale = canvas.width / place.width;
    const context = canvas.getContext("2d");
    return Array.from({length: 10}, (_, i) => {
        const x = frame.left + frame.width * (i + 0.5) / 10 - place.left;
        const data = context.getImageData(Math.round(x * scale), 0, 1, canvas.height).data;
        const counts = {};
        for (let at = 0; at < data.length; at += 4) {
            if (data[at + 3] > 0 && data[at] + data[at + 1] + data[at + 2] < 700) {
                const colour = [...data.slice(at, at + 3)];
                counts[colour] = (counts[colour] ?? 0) + 1;
            }
        }
        const [colour, count] = Object.entries(counts).sort((a, b) => b[1] - a[1])[0] ?? ["", 0];
        return [Math.round(100 * count / (data.length / 4)), colour];
    });
}""".replace("SEQUENCE", "2")
