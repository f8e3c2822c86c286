"""The page in headless Chromium: what is drawn, the list of tracks, and the address."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from browser import Visit, open_chromium
from genometracks.bigwig.writer import BigWigWriter
from genometracks.browse.limits import Limits
from genometracks.browse.page.page import write_page, write_sheet_page
from genometracks.browse.reference.genes import write_genes
from genometracks.browse.reference.marks import write_regions, write_sites
from genometracks.browse.scene import Features
from genometracks.config.sections import Sites
from genometracks.evaluation.locus import Locus
from page_files import Shown, serve, write_scene

CONTIGS = {"c1": 2000, "c2": 1000}
BLUE, ORANGE, GREY, DARK = "0,114,178", "213,94,0", "102,102,102", "68,68,68"
LICENCE = "For <b>research</b> only. " * 9
TRACKS = [
    Shown("alpha", 1, 3, {"assay": "ATAC", "tissue": "heart"}, "open chromatin"),
    Shown("beta", -1, 2, {"assay": "CAGE", "tissue": "heart"}, "starts of transcripts"),
    Shown("gamma", 2, 1, {"assay": "CAGE", "tissue": "liver"}),
]


@pytest.fixture(scope="module")
def chromium():
    with open_chromium() as browser:
        yield browser


@pytest.fixture
def look(chromium, tmp_path) -> Callable:
    """Look at the page of `tmp_path / "run"`; nothing may go wrong in it."""

    @contextmanager
    def look(*, width: int = 1400, page: str = "run/page", runs=("run",)):
        context = chromium.new_context(viewport={"width": width, "height": 800})
        with serve(tmp_path, runs, page) as url:
            visit = Visit(context.new_page(), url)
            yield visit
            visit.check()
        context.close()

    return look


def write(tmp_path, tracks=TRACKS, **changes):
    scene = write_scene(tmp_path / "run", tracks, contigs=CONTIGS, **changes)
    return write_page(scene)


def test_tracks_are_drawn_at_their_values_and_observed_ones_in_the_same_scale(look, tmp_path):
    write(tmp_path, observed=[("rep", 0)])
    with look() as visit:
        visit.open()
        assert visit.shown() == ["alpha", "rep (observed)", "beta", "gamma"]
        # The axis is from -1 to 4: a value of 1 fills a fifth.
        visit.wait_for_columns("alpha", [20] * 5 + [60] * 5, BLUE)
        visit.wait_for_columns("rep (observed)", [20] * 5 + [60] * 5, GREY)
        visit.wait_for_columns("beta", [20] * 5 + [40] * 5, BLUE)
        visit.wait_for_columns("gamma", [40] * 5 + [20] * 5, BLUE)


def test_genes_and_bases_are_drawn(look, tmp_path):
    write(tmp_path, genes=[("c1", 100, 400, "abc"), ("c1", 1520, 1980, "def")])
    with look() as visit:
        visit.open("#locus=c1:801-1200&tracks=genes:genes")
        colours = [colour.split(",") for _, colour in visit.columns("sequence")]
        bases = ["A" if int(green) > int(blue) else "C" for _, green, blue in colours]
        assert bases == ["A"] * 5 + ["C"] * 5
        visit.page.evaluate("() => location.hash = '#locus=c1:1-2000&tracks=genes:genes'")
        visit.wait_for_columns("genes", [17, 17] + [0] * 6 + [17, 17], DARK)


def test_genes_sites_and_regions_of_our_own_files_are_drawn_and_found(look, tmp_path):
    run, (annotation, bed) = tmp_path / "run", (tmp_path / "genes.gtf", tmp_path / "sites.bed")
    genes = [("abcD", 201, 400), ("Xyz", 1601, 1800), ("LOUD", 1401, 1500)]
    annotation.write_text(
        "".join(f'c1\tx\tgene\t{at}\t{to}\t.\t+\t.\tgene_id "{n}";\n' for n, at, to in genes)
    )
    bed.write_text("c1\t1000\t1200\n")
    files = {kind: run / "reference" / f"{kind}.bb" for kind in ("genes", "tss", "regions")}
    write_genes(annotation, files["genes"], lengths=CONTIGS, aliases={})
    write_regions(bed, files["regions"], key="genome.regions", lengths=CONTIGS)
    write_sites(Sites("alpha", str(bed), at="all"), files["tss"], key="sites", lengths=CONTIGS)
    write(
        tmp_path,
        genes=[("c1", 0, 1, "other")],
        sites=(Features("TSS", files["tss"], "t0"),),
        regions=(Features("regions", files["regions"]),),
    )
    write_genes(annotation, files["genes"], lengths=CONTIGS, aliases={})
    with look() as visit:
        page = visit.open().page
        assert visit.shown() == ["genes", "alpha", "TSS", "beta", "gamma"]
        assert visit.rows() == ["genes", "regions", "alpha", "TSS", "beta", "gamma"]
        visit.wait_for_columns("genes", [0, 10] + [0] * 6 + [10, 0], DARK)
        visit.wait_for_columns("TSS", [0] * 5 + [39] + [0] * 4, DARK)
        page.locator("#list .row", has_text="regions").click()
        visit.wait_for_shown(["genes", "regions", "alpha", "TSS", "beta", "gamma"])
        visit.wait_for_columns("regions", [0] * 5 + [39] + [0] * 4, DARK)
        page.locator("#list .row", has_text="alpha").click()  # with its sites
        visit.wait_for_shown(["genes", "regions", "beta", "gamma"])
        box = page.locator("#igv input.igv-search-input")
        for typed, first in {"abcD": 1, "xyz": 601, "loud": 401}.items():
            box.fill(typed)
            box.press("Enter")
            visit.wait_for_address(f"locus=c1:{first}-")


def test_a_narrow_peak_is_seen_from_far(look, tmp_path):
    scene = write_scene(tmp_path / "run", TRACKS[:1], contigs={"c1": 1_000_000})
    limits = Limits(0.0, 4.0)
    for name in ("t0", "t1"):
        with BigWigWriter(tmp_path / f"run/bigwig/{name}.bw", scene.contigs, step=10) as writer:
            values = np.zeros(100_000, np.float32)
            values[45_000:55_000:10] = 2.0
            writer.write("c1", 0, values)
    (peaks,) = (replace(each, limits=limits) for each in scene.tracks)
    signed = replace(peaks, track="t1", name="signed", limits=Limits(-4.0, 4.0))
    signed = replace(signed, file=tmp_path / "run/bigwig/t1.bw")
    write_page(replace(scene, tracks=(peaks, signed), locus=Locus("c1", 0, 1_000_000)))
    with look() as visit:
        visit.open()
        visit.wait_for_columns("alpha", [0] * 4 + [50] + [50] + [0] * 4, BLUE)
        percent, colour = visit.columns("signed")[4]
        assert (percent <= 3, colour) == (True, BLUE)  # the mean of 0.2


def test_tracks_of_the_minus_strand_are_lighter(look, tmp_path):
    write(tmp_path, [Shown("a", 1, 1, {"strand": "+"}), Shown("b", 1, 1, {"strand": "-"})])
    with look() as visit:
        visit.open()
        visit.wait_for_columns("a", [25] * 10, BLUE)
        visit.wait_for_columns("b", [25] * 10, "115,177,213")


def test_groups_of_many_tracks_are_closed_until_they_are_searched(look, tmp_path):
    scene = write_scene(tmp_path / "run", TRACKS[:1], contigs=CONTIGS)
    many = [
        replace(scene.tracks[0], track=f"t{i}", name=f"n{i}", metadata={"half": "ab"[i % 2]})
        for i in range(70)
    ]
    write_page(replace(scene, tracks=tuple(many), group_by=("half",)))
    with look() as visit:
        page = visit.open("#tracks=t1").page
        assert visit.rows() == ["a", "b"]
        page.fill("#search", "n6")
        assert visit.rows() == ["a", "n6", "n60", "n62", "n64", "n66", "n68"] + (
            ["b", "n61", "n63", "n65", "n67", "n69"]
        )
        page.fill("#search", "")
        page.click("#tab-shown")
        assert visit.rows() == ["b", "n1"]


def test_a_jump_to_another_locus_draws_it_and_changes_the_address(look, tmp_path):
    write(tmp_path)
    with look() as visit:
        visit.open()
        box = visit.page.locator("#igv input.igv-search-input")
        box.fill("c2:501-1,000")
        box.press("Enter")
        visit.wait_for_address("locus=c2:501-1000")
        visit.wait_for_columns("alpha", [60] * 10, BLUE)


def test_an_address_restores_locus_and_tracks(look, tmp_path):
    write(tmp_path)
    with look() as visit:
        visit.open("#locus=c2:1-500&tracks=t2,t0")
        assert visit.shown() == ["alpha", "gamma"]
        visit.wait_for_columns("gamma", [40] * 10, BLUE)
        visit.wait_for_address("#locus=c2:1-500&tracks=t0,t2")


def test_an_address_with_unknown_tracks_says_so(look, tmp_path):
    write(tmp_path)
    with look() as visit:
        visit.open("#tracks=t1,gone")
        assert visit.shown() == ["beta"]
        text = visit.page.locator("#problems span").all_text_contents()
        assert text == ["The address names tracks that are not here: gone"]


def test_the_search_finds_words_of_any_column(look, tmp_path):
    write(tmp_path, observed=[("rep", 1)])
    with look() as visit:
        visit.open()
        for text, wanted in {
            "heart cage": ["beta", "rep"],
            "CHROMATIN": ["alpha"],
            "rep": ["rep"],
            "liver atac": [],
        }.items():
            visit.page.fill("#search", text)
            assert visit.rows() == wanted, text
        status = visit.page.locator("#status").text_content()
        assert status == "No track has all of these words."


def test_tracks_are_grouped_by_a_column_and_shown_by_group(look, tmp_path):
    write(tmp_path, group_by=("assay",))
    with look() as visit:
        visit.open("#tracks=t0")
        assert visit.rows() == ["ATAC", "alpha", "CAGE", "beta", "gamma"]
        notes = visit.page.locator("#list .row.head .note").all_text_contents()
        assert notes == ["1/1", "0/2"]
        visit.page.locator("#list .row.head", has_text="CAGE").click()
        visit.wait_for_shown(["alpha", "beta", "gamma"])
        visit.wait_for_columns("beta", [20] * 5 + [40] * 5, ORANGE)  # the second group's colour
        visit.page.select_option("#group", "tissue")
        assert visit.rows() == ["heart", "alpha", "beta", "liver", "gamma"]
        visit.page.locator("#list .row.head .fold").first.click()
        assert visit.rows() == ["heart", "liver", "gamma"]


def test_the_keyboard_suffices(look, tmp_path):
    write(tmp_path, observed=[("rep", 1)])
    with look() as visit:
        page = visit.open("#tracks=t0").page
        page.keyboard.press("/")
        page.keyboard.type("heart")
        assert page.input_value("#search") == "heart"
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        active = page.locator("#list").get_attribute("aria-activedescendant")
        assert page.locator(f"#{active} .label").text_content() == "beta"
        assert "starts of transcripts" in page.locator("#details").text_content()
        page.keyboard.press("Enter")  # with its observed track
        visit.wait_for_shown(["alpha", "beta", "rep (observed)"])
        page.keyboard.press("Home")
        page.keyboard.press(" ")
        visit.wait_for_shown(["beta", "rep (observed)"])
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        assert page.input_value("#search") == ""
        assert visit.rows() == ["alpha", "beta", "rep", "gamma"]


def test_a_track_closed_in_the_genome_browser_is_no_longer_shown(look, tmp_path):
    write(tmp_path)
    with look() as visit:
        page = visit.open().page
        beta = page.locator("#igv .igv-gear-menu-column > div").nth(4)
        beta.locator("svg").first.click()
        beta.get_by_text("Remove track").click()
        visit.wait_for_shown(["alpha", "gamma"])
        assert page.locator("#tab-shown").text_content() == "Shown (2)"
        visit.wait_for_address("tracks=t0,t2")


def test_thousands_of_tracks_are_listed_but_not_loaded(look, tmp_path):
    scene = write_scene(tmp_path / "run", TRACKS, contigs=CONTIGS)
    many = tuple(
        replace(scene.tracks[i % 3], track=f"t{i}", name=f"track {i}", metadata={"n": str(i % 50)})
        for i in range(5000)
    )
    signals = [replace(track, signal=float(i == 4321)) for i, track in enumerate(many)]
    write_page(replace(scene, tracks=tuple(signals), group_by=("n",)))
    with look() as visit:
        page = visit.open().page
        assert len(visit.shown()) == 6 and "track 4321" in visit.shown()
        read = {path for path in visit.requested if path.startswith("run/bigwig/")}
        assert read <= {f"run/bigwig/t{i}.bw" for i in range(3)}
        assert page.locator("#tab-all").text_content() == "All (5000)"
        assert 10 < page.locator("#list .row").count() < 80
        page.focus("#list")
        page.keyboard.press("End")
        assert visit.rows()[-1] == "49"  # groups of many tracks are closed at first
        page.keyboard.press("ArrowRight")
        page.keyboard.press("End")
        assert visit.rows()[-1] == "track 4999"
        assert page.locator("#list .row").count() < 80
        page.click("#clear")
        visit.wait_for_shown([])
        page.fill("#search", "track 12")
        page.select_option("#group", "")
        page.focus("#list")
        page.keyboard.press("Home")
        page.keyboard.press("Enter")
        visit.wait_for_shown(["track 12"])


def test_at_most_sixty_tracks_of_a_group_are_shown_at_once(look, tmp_path):
    scene = write_scene(tmp_path / "run", TRACKS[:1], contigs=CONTIGS)
    many = [replace(scene.tracks[0], track=f"t{i}", metadata={"n": str(i % 2)}) for i in range(140)]
    write_page(replace(scene, tracks=tuple(many), group_by=("n",)))
    with look() as visit:
        page = visit.open("#tracks=").page
        page.locator("#list .row.head").first.click()
        visit.wait_for_shown(["alpha"] * 60)
        status = page.locator("#status").text_content()
        assert status == "60 tracks at most are shown at once: 10 of these are not."


def test_the_list_of_tracks_is_behind_a_button_on_a_narrow_page(look, tmp_path):
    write(tmp_path)
    with look(width=800) as visit:
        page = visit.open().page
        assert not page.is_visible("#side")
        assert page.locator("#igv").bounding_box()["width"] > 750
        page.click("#toggle")
        assert page.is_visible("#search")
        wide = "document.documentElement.scrollWidth <= innerWidth"
        assert page.evaluate(wide)


def test_a_page_of_several_runs_shows_all_of_a_genome_and_switches_to_another(look, tmp_path):
    first = write_scene(tmp_path / "one", TRACKS[:1], contigs=CONTIGS, licence="CC BY")
    second = write_scene(tmp_path / "two", TRACKS[1:2], contigs=CONTIGS, fasta=first.fasta)
    other = write_scene(
        tmp_path / "three", TRACKS[2:], contigs={"x": 3000}, genome="other", observed=[("rep", 0)]
    )
    write_sheet_page(tmp_path / "page", [first, second, other])
    with look(page="page", runs=("one", "two", "three")) as visit:
        page = visit.open().page
        assert page.locator("#title").text_content() == "one, two"
        assert visit.shown() == ["one · alpha", "two · beta"]
        assert visit.rows() == ["one", "alpha", "two", "beta"]
        assert page.locator("#licence summary").text_content() == "Licence of the weights: CC BY"
        page.locator("#licence summary").click()
        assert page.locator("#licence p").text_content() == "one: CC BY"
        page.locator("#files summary").click()
        reports = page.get_by_text("Report").all()
        assert [link.get_attribute("href") for link in reports] == [
            "../one/report.html",
            "../two/report.html",
        ]
        page.locator("#files summary").click()
        page.select_option("#genome", label="other")
        visit.wait_for_shown(["three · gamma", "three · rep (observed)"])
        assert page.locator("#title").text_content() == "three"
        visit.wait_for_address("#genome=other&locus=x:1-3000&")
        visit.wait_for_columns("three · gamma", [50] * 5 + [25] * 5, BLUE)


def test_the_header_links_the_files_of_the_run(look, tmp_path):
    write(tmp_path, licence=LICENCE)
    with look() as visit:
        page = visit.open().page
        links = page.locator("#links a")
        assert {link.text_content(): link.get_attribute("href") for link in links.all()} == {
            "Report": "../report.html",
            "Summary": "../summary.txt",
            "Table of tracks": "../tracks.tsv",
            "Manifest": "../manifest.json",
            "Track hub": "../hub/hub.txt",
        }
        facts = "toy · 3 kb in 2 contigs · bins of 10 bp · 3 predicted tracks"
        assert page.locator("#facts").text_content() == facts
        page.locator("#licence summary").click()
        assert page.locator("#licence p").text_content() == LICENCE
        summary = f"Licence of the weights: {LICENCE[:120]} …"
        assert page.locator("#licence summary").text_content() == summary
        assert page.title() == "run – genome browser"
