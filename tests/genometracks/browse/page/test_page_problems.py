"""The page where something is wrong: hostile names, missing files, a server without ranges."""

import shlex
from contextlib import contextmanager

import numpy as np
import pytest

from browser import Visit, open_chromium
from genometracks.bigwig.writer import BigWigWriter
from genometracks.browse.page.page import write_page
from page_files import Shown, serve, serve_plainly, write_scene

CONTIGS = {"c1": 2000, "c2": 1000}
TRACKS = [Shown("alpha"), Shown("beta")]
HOSTILE = "<img src=x onerror=window.fired++>"
HOSTILE_CONTIG = "<img/src=x/onerror=window.fired++>"


@pytest.fixture(scope="module")
def chromium():
    with open_chromium() as browser:
        yield browser


@contextmanager
def look(chromium, url):
    context = chromium.new_context(viewport={"width": 1400, "height": 800})
    visit = Visit(context.new_page(), url)
    yield visit
    assert visit.foreign == []
    context.close()


def problems(visit):
    return visit.page.locator("#problems li span").all_text_contents()


def count_images(visit):
    """Images in the page and in the genome browser."""
    return visit.page.evaluate(
        """() => document.querySelectorAll("img").length
            + document.getElementById("igv").shadowRoot.querySelectorAll("img").length"""
    )


def test_names_of_anything_are_text(chromium, tmp_path):
    contigs = {HOSTILE_CONTIG: 2000, "a:1-9": 1000}
    metadata = {HOSTILE: HOSTILE, "group": HOSTILE}
    write_page(
        write_scene(
            tmp_path / "run",
            [Shown(HOSTILE, metadata=metadata, description=HOSTILE), Shown("&lt;b&gt;")],
            contigs=contigs,
            observed=[(HOSTILE, 0)],
            genes=[(HOSTILE_CONTIG, 0, 1990, HOSTILE)],
            genome=HOSTILE,
            licence=HOSTILE,
            group_by=("group",),
        )
    )
    with serve(tmp_path, ["run"], "run/page") as url, look(chromium, url) as visit:
        page = visit.open(f"#tracks=genes:genes,t0,t1,observed:o0,{HOSTILE}").page
        like = "‹img src=x onerror=window.fired++›"
        assert visit.shown() == ["genes", like, f"{like} (observed)", "&\u2060lt;b&\u2060gt;"]
        assert visit.rows()[2:] == [HOSTILE, HOSTILE, HOSTILE, "(none)", "&lt;b&gt;"]
        assert HOSTILE in problems(visit)[0]
        root = page.locator("#igv")
        viewport = root.locator(".igv-viewport", has=page.locator(".igv-track-label"))
        viewport.nth(0).click(position={"x": 400, "y": 28})  # a gene
        root.locator(".igv-ui-popover", has_text=HOSTILE_CONTIG).first.wait_for()
        root.locator(".igv-track-label").nth(1).click()
        root.locator(".igv-track-label-popover", has_text=HOSTILE).first.wait_for()
        root.locator(".igv-gear-menu-column svg").nth(2).click()
        page.locator("#list .row").nth(2).hover()
        assert HOSTILE in page.locator("#details").text_content()
        assert count_images(visit) == 0
        visit.check()


def test_a_contig_with_colons_in_its_name_can_be_opened(chromium, tmp_path):
    write_page(write_scene(tmp_path / "run", TRACKS, contigs={"a:1-9": 1000, "b": 500}))
    with serve(tmp_path, ["run"], "run/page") as url, look(chromium, url) as visit:
        visit.open("#locus=a:1-9:501-1000&tracks=t0")
        visit.wait_for_columns("alpha", [75] * 10, "0,114,178")
        visit.wait_for_address("locus=a:1-9:501-1000")
        box = visit.page.locator("#igv input.igv-search-input")
        box.fill("a:1-9:1-1,000")
        box.press("Enter")
        visit.wait_for_address("locus=a:1-9:1-1000")
        visit.wait_for_columns("alpha", [25] * 5 + [75] * 5, "0,114,178")
        visit.check()


@pytest.mark.parametrize("contig", [HOSTILE_CONTIG, "c3"])
def test_an_address_with_an_unknown_contig_starts_where_the_run_does(chromium, tmp_path, contig):
    write_page(write_scene(tmp_path / "run", TRACKS, contigs=CONTIGS))
    with serve(tmp_path, ["run"], "run/page") as url, look(chromium, url) as visit:
        visit.open(f"#locus={contig}:1-100")
        assert problems(visit) == [f"The address names a contig that is not here: {contig}"]
        visit.wait_for_address("locus=c1:1-2000")
        assert count_images(visit) == 0
        visit.check()


def test_a_page_that_is_opened_as_a_file_says_how_to_serve_it(chromium, tmp_path):
    folder = tmp_path / "with space" / "run"
    write_page(write_scene(folder, TRACKS, contigs=CONTIGS))
    address = (folder / "page" / "index.html").as_uri()
    with look(chromium, "file:///") as visit:
        visit.page.goto(address)
        notice = visit.page.locator("#notice")
        assert notice.is_visible()
        assert not visit.page.locator("#app").is_visible()
        assert notice.text_content().count("it was opened as a file") == 1
        command = visit.page.locator("#command").text_content()
        assert shlex.split(command) == ["genometracks", "serve", str(folder)]
        assert "FOLDER" not in notice.text_content()


def test_a_server_without_byte_ranges_is_named_as_the_problem(chromium, tmp_path):
    write_page(write_scene(tmp_path / "run", TRACKS, contigs=CONTIGS))
    with serve_plainly(tmp_path) as url, look(chromium, f"{url}run/page/") as visit:
        visit.open()
        assert problems(visit) == [
            "This web server does not support byte ranges, by which work/genome.fa has to be read: "
            "it answered with the whole file. Use 'genometracks serve' with the run's folder, or a "
            "server that supports them, such as nginx or Apache."
        ]
        assert visit.page.locator("#igv").evaluate("each => each.shadowRoot") is None
        visit.check()


def test_a_missing_bigwig_is_one_message_and_the_other_tracks_are_drawn(chromium, tmp_path):
    scene = write_scene(tmp_path / "run", TRACKS, contigs=CONTIGS)
    write_page(scene)
    scene.tracks[0].file.unlink()
    with serve(tmp_path, ["run"], "run/page") as url, look(chromium, url) as visit:
        visit.open()
        assert visit.shown() == ["beta"]
        assert problems(visit) == [
            "bigwig/t0.bw is missing: run the workflow again, which writes it again without a "
            "prediction."
        ]
        visit.wait_for_address("tracks=t1")
        visit.page.locator("#problems button").click()
        assert problems(visit) == []
        assert visit.problems == [  # of Chromium itself; none of igv.js
            "Failed to load resource: the server responded with a status of 404 (Not Found)"
        ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "is empty"), (b"not a bigWig" * 99, "cannot be drawn: the file may be damaged")],
)
def test_a_damaged_bigwig_is_one_message(chromium, tmp_path, content, reason):
    scene = write_scene(tmp_path / "run", TRACKS, contigs=CONTIGS)
    write_page(scene)
    scene.tracks[1].file.write_bytes(content)
    with serve(tmp_path, ["run"], "run/page") as url, look(chromium, url) as visit:
        visit.open()
        assert visit.shown() == ["alpha"]
        assert problems(visit) == [f"bigwig/t1.bw {reason}."]


def test_a_missing_fasta_is_named(chromium, tmp_path):
    scene = write_scene(tmp_path / "run", TRACKS, contigs=CONTIGS)
    write_page(scene)
    scene.fasta.unlink()
    with serve(tmp_path, ["run"], "run/page") as url, look(chromium, url) as visit:
        visit.open()
        assert problems(visit) == [
            "work/genome.fa is missing: run the workflow again, which writes it again without a "
            "prediction."
        ]


def test_a_page_without_its_data_says_so(chromium, tmp_path):
    write_page(write_scene(tmp_path / "run", TRACKS, contigs=CONTIGS))
    (tmp_path / "run" / "page" / "data.json").write_text("{")
    with serve(tmp_path, ["run"], "run/page") as url, look(chromium, url) as visit:
        visit.page.goto(url)
        visit.page.locator("#problems li").wait_for()
        (text,) = problems(visit)
        assert text.startswith("page/data.json cannot be read (")
        assert text.endswith("): run the workflow again.")


def test_a_bigwig_that_is_deleted_while_it_is_shown_is_one_message(chromium, tmp_path):
    contigs = {"c1": 2000, "c2": 2_000_000}
    write_page(write_scene(tmp_path / "run", TRACKS, contigs=contigs))
    file = tmp_path / "run" / "bigwig" / "t1.bw"
    with BigWigWriter(file, contigs, step=10) as writer:  # too large to be read at once
        values = np.random.default_rng(0).random(200_000).astype(np.float32)
        writer.write("c1", 0, values[:200])
        writer.write("c2", 0, values)
    with serve(tmp_path, ["run"], "run/page") as url, look(chromium, url) as visit:
        visit.open("#tracks=t0,t1&locus=c1:1-2000")
        file.unlink()
        visit.page.evaluate("() => location.hash = '#locus=c2:900001-900500'")
        visit.wait_for_shown(["alpha"])
        assert problems(visit) == [
            "bigwig/t1.bw is missing: run the workflow again, which writes it again without a "
            "prediction."
        ]
        visit.wait_for_columns("alpha", [25] * 10, "0,114,178")
        assert not visit.page.get_by_text("was not found").is_visible()


def test_a_server_that_was_stopped_is_named(chromium, tmp_path):
    write_page(write_scene(tmp_path / "run", TRACKS, contigs=CONTIGS))
    with serve(tmp_path, ["run"], "run/page") as url, look(chromium, url) as visit:
        visit.open("#tracks=t0")
        visit.page.context.set_offline(True)
        visit.page.locator("#list .row", has_text="beta").click()
        visit.page.locator("#problems li").wait_for()
        assert problems(visit) == [
            "bigwig/t1.bw cannot be read: the server does not answer (it may have been stopped)."
        ]
