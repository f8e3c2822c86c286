"""The files of a page: their bytes, and what is shown at first."""

import hashlib
import json
from dataclasses import replace
from importlib.resources import files

from genometracks.browse.page.page import ASSETS, IGV, IGV_SHA256, write_page, write_sheet_page
from genometracks.browse.scene import Features
from page_files import Shown, write_scene

CONTIGS = {"c1": 2000, "c2": 1000}


def write(folder, tracks=3, **changes):
    shown = [Shown(f"n{i}", 0, i / 4) for i in range(tracks)]
    return write_scene(folder, shown, contigs=CONTIGS, **changes)


def read(folder):
    return json.loads((folder / "page" / "data.json").read_text())


def test_a_page_has_the_same_bytes_again_and_its_seals_are_of_them(tmp_path):
    seals = write_page(write(tmp_path / "run"))
    before = {seal.path: seal.path.read_bytes() for seal in seals}
    assert {path.name for path in before} == {*ASSETS, "data.json", "index.html"}
    for seal in seals:
        assert hashlib.sha256(before[seal.path]).hexdigest() == seal.sha256
    again = write_page(write(tmp_path / "run"))
    assert {seal.path: seal.path.read_bytes() for seal in again} == before


def test_every_asset_is_copied_or_is_the_template():
    folder = files("genometracks.browse.page") / "assets"
    assert sorted(each.name for each in folder.iterdir()) == sorted([*ASSETS, "index.html"])


def test_igv_js_is_the_pinned_version_with_its_licence():
    folder = files("genometracks.browse.page") / "assets"
    script = (folder / "igv.min.js").read_bytes()
    assert hashlib.sha256(script).hexdigest() == IGV_SHA256
    assert f'"{IGV}"'.encode() in script
    assert (folder / "igv.LICENSE.txt").read_text().startswith("The MIT License (MIT)")


def test_tracks_that_are_compared_are_shown_first_then_those_with_the_most_signal(tmp_path):
    write_page(write(tmp_path / "run", tracks=10, observed=[("rep", 2)]))
    (run,) = read(tmp_path / "run")["runs"]
    assert run["first"] == ["t2", "observed:o0", "t5", "t6", "t7", "t8", "t9"]


def test_runs_on_one_genome_share_the_tracks_that_are_shown_first(tmp_path):
    genes = [("c1", 0, 10, "abc")]
    one = write(tmp_path / "r0", genes=genes)
    scenes = [one] + [write(tmp_path / f"r{i}", genes=genes, fasta=one.fasta) for i in range(1, 8)]
    write_sheet_page(tmp_path / "page", scenes)
    first = [run["first"] for run in read(tmp_path)["runs"]]
    assert first == [["r0/genes:genes", "r0/t2"], *([f"r{i}/t2"] for i in range(1, 6)), [], []]
    write_sheet_page(tmp_path / "page", [replace(scene, genes=None) for scene in scenes[:2]])
    first = [run["first"] for run in read(tmp_path)["runs"]]
    assert first == [["r0/t0", "r0/t1", "r0/t2"], ["r1/t0", "r1/t1", "r1/t2"]]


def test_genomes_of_the_same_name_are_told_apart_by_their_runs(tmp_path):
    scenes = [write(tmp_path / "a"), write(tmp_path / "b"), write(tmp_path / "c", genome="other")]
    write_sheet_page(tmp_path / "page", scenes)
    data = read(tmp_path)
    assert [each["name"] for each in data["references"]] == ["toy (a)", "toy (b)", "other"]
    assert [run["reference"] for run in data["runs"]] == [0, 1, 2]
    assert [each["fasta"] for each in data["references"]] == [
        f"../{name}/work/genome.fa" for name in "abc"
    ]


def test_many_contigs_have_no_view_of_all_of_them(tmp_path):
    contigs = {f"c{i:03}": 100 for i in range(501)}
    for number, whole in ((501, False), (500, True)):
        some = dict(list(contigs.items())[:number])
        write_page(replace(write(tmp_path / "run"), contigs=some))
        (reference,) = read(tmp_path / "run")["references"]
        assert (reference["contigs"], reference["whole"]) == (number, whole)


def test_contigs_that_the_browser_takes_for_one_have_no_view_of_all_of_them(tmp_path):
    write_page(replace(write(tmp_path / "run"), contigs={"chr7": 100, "7": 100}))
    assert read(tmp_path / "run")["references"][0]["whole"] is False


def test_genes_that_runs_share_are_listed_once(tmp_path):
    one = write(tmp_path / "a", genes=[("c1", 0, 10, "abc")])
    same = write(tmp_path / "b", genes=[("c1", 0, 10, "abc")], fasta=one.fasta)
    other = write(tmp_path / "c", genes=[("c1", 0, 10, "xyz")], fasta=one.fasta)
    write_sheet_page(tmp_path / "page", [one, same, other])
    ids = [[item["id"] for item in run["items"]] for run in read(tmp_path)["runs"]]
    assert [names[0] for names in ids] == ["a/genes:genes", "b/t0", "c/genes:genes"]


def test_sites_are_listed_beneath_their_track_and_its_partner_is_not_a_column(tmp_path):
    scene = write(tmp_path / "run", observed=[("rep", 1)])
    metadata = {"strand": "-", "strand_pair": "0"}
    tracks = (scene.tracks[0], replace(scene.tracks[1], metadata=metadata), scene.tracks[2])
    sites = (Features("TSS", tmp_path / "tss.bb", "t1"),)
    write_page(replace(scene, tracks=tracks, sites=sites))
    (run,) = read(tmp_path / "run")["runs"]
    assert run["columns"] == ["strand"]
    items = {item["id"]: item for item in run["items"]}
    assert list(items) == ["t0", "t1", "observed:o0", "sites:tss", "t2"]
    assert items["sites:tss"]["of"] == "t1"
    assert [each.get("minus", False) for each in items.values()] == [False, True] + 3 * [False]
    assert items["t0"]["summary"] == "max"
