"""The track hub: every rule of the format that it depends on, read back from its files."""

import re
from dataclasses import replace
from pathlib import Path

import py2bit
import pyBigWig
import pytest

from genometracks.browse.hub.hub import write_hub
from genometracks.browse.hub.sessions import write_sessions
from genometracks.browse.limits import Limits
from genometracks.browse.reference.reference import write_reference
from genometracks.browse.scene import make_scene as make_scene_of_run
from genometracks.common.sealing import digest_file
from genometracks.config.folders import RunFolder
from genometracks.config.sections import BrowserConfig, EvaluationConfig
from genometracks.config.settings import BrowseSettings
from genometracks.plan.plan import Plan
from hub_rules import Hub, read_hub
from scenes import HOSTILE, add_everything, make_scene, write_data


def build(scene, tmp_path: Path, *, files: bool = True) -> Hub:
    """Write a hub and read it back."""
    if files:
        write_data(scene)
    write_hub(scene)
    return read_hub(scene.folder.hub, root=tmp_path / "run", files=files)


def test_an_assembly_hub_keeps_every_rule(tmp_path):
    scene = add_everything(make_scene(tmp_path, assay=["ATAC", "ATAC", "CAGE"]))
    hub = build(scene, tmp_path)
    assert hub.wrong == []
    assert hub.hub == {
        "hub": "run",
        "shortLabel": "run",
        "longLabel": "Predicted tracks of toy: run",
        "genomesFile": "genomes.txt",
        "email": "lab@example.org",
        "descriptionUrl": "description.html",
    }
    assert hub.genome == {
        "genome": "toy",
        "trackDb": "trackDb.txt",
        "twoBitPath": "toy.2bit",
        "chromSizes": "../reference/chrom.sizes",
        "groups": "groups.txt",
        "description": "toy",
        "organism": "toy",
        "scientificName": "toy",
        "defaultPos": "chr1:101-300",
        "orderKey": "4800",
        "htmlPath": "description.html",
    }
    assert [group["name"] for group in hub.groups] == ["signals", "marks"]


def test_a_finished_run_gives_a_hub_that_keeps_every_rule(run, tmp_path):
    plan = run.work / "plan.json"
    run.command("merge", plan=plan, out=run.work / "merge.json")
    run.command("bigwig", plan=plan)
    bed, names = tmp_path / "genes.bed", tmp_path / "names.tsv"
    bed.write_text("2\t10\t90\tgene\n")
    names.write_text("chr2\t2\n")
    nothing = dict.fromkeys(("ucsc", "regions", "blacklist"))
    settings = BrowseSettings(
        run="toy",
        annotation=str(bed),
        aliases=str(names),
        **nothing,
        evaluation=EvaluationConfig(),
        browser=BrowserConfig(group_by=("assay",), email="lab@example.org"),
    )
    folder = RunFolder(run.folder)
    seals = write_reference(Plan.load(plan), folder, settings)
    scene = make_scene_of_run(Plan.load(plan), folder, settings, fasta=run.work / "genome.fa")
    seals += [*write_hub(scene), *write_sessions(scene)]
    hub = read_hub(folder.hub, root=run.folder)
    assert hub.wrong == []
    assert hub.tracks["tracks"]["subGroup1"] == "assay assay ATAC=ATAC ChIP=ChIP"
    assert hub.tracks["two_etc"]["bigDataUrl"] == "../bigwig/two_.._etc.bw"
    sizes = (folder.hub / hub.genome["chromSizes"]).read_text()
    assert sizes == "".join(f"{name}\t{length}\n" for name, length in scene.contigs.items())
    assert py2bit.open(str(folder.hub / hub.genome["twoBitPath"])).chroms() == scene.contigs
    with pyBigWig.open(str(scene.genes.file)) as genes:
        assert [name for *_, name in genes.entries("chr2", 0, 100)][0].startswith("gene\t")
    assert all(seal.sha256 == digest_file(seal.path) for seal in seals)


def test_a_hub_on_a_genome_of_ucsc_has_no_sequence(tmp_path):
    scene = replace(make_scene(tmp_path), ucsc="hg38", aliases={"chr1": "chrA"})
    hub = build(scene, tmp_path)
    assert hub.wrong == []
    assert hub.genome == {"genome": "hg38", "trackDb": "trackDb.txt", "defaultPos": "chrA:101-300"}
    assert {"groups.txt", "toy.2bit"}.isdisjoint(path.name for path in hub.folder.iterdir())
    assert all("group" not in stanza for stanza in hub.tracks.values())


def test_files_of_an_earlier_hub_are_deleted(tmp_path):
    scene = replace(make_scene(tmp_path), aliases={"chr1": "chrA"})
    write_hub(scene)
    folder = scene.folder.hub
    assert (folder / "chromAlias.txt").read_text() == "# fasta\tucsc\nchr1\tchrA\nchr2\t\n"
    write_hub(replace(scene, ucsc="hg38"))
    assert sorted(path.name for path in folder.iterdir()) == [
        "description.html",
        "genomes.txt",
        "hub.txt",
        "trackDb.txt",
    ]


def test_tracks_have_their_limits_labels_files_and_groups(tmp_path):
    scene = add_everything(make_scene(tmp_path, assay=["ATAC", "ATAC", "CAGE"]))
    hub = build(scene, tmp_path)
    assert list(hub.tracks) == [
        *("tracks", "t0", "t1", "observed_seen", "t2"),
        *("marks_genes", "marks_TSS", "marks_regions", "marks_blacklist"),
    ]
    assert hub.tracks["t1"] == {
        "track": "t1",
        "bigDataUrl": "../bigwig/t1.bw",
        "shortLabel": "two",
        "longLabel": "two: about two",
        "type": "bigWig 0 2.5",
        "color": "0,114,178",
        "parent": "tracks on",
        "priority": "2",
        "viewLimits": "0:2.5",
        "subGroups": "assay=ATAC kind=predicted",
    }
    seen = hub.tracks["observed_seen"]
    assert seen["bigDataUrl"] == "../reference/observed/seen.bw"
    assert seen["subGroups"] == "assay=ATAC kind=observed"
    assert seen["viewLimits"] == "0:2.5" and seen["color"] == "90,90,90"
    composite = hub.tracks["tracks"]
    assert composite["autoScale"] == "off" and composite["type"] == "bigWig 0 3.5"
    assert composite["dimensions"] == "dimX=assay dimY=kind"
    assert composite["sortOrder"] == "assay=+ kind=-"
    assert hub.tracks["marks_genes"]["searchIndex"] == "name"
    assert hub.tracks["marks_genes"]["type"] == "bigBed 12 +"


def test_limits_of_small_and_signed_values_are_numbers(tmp_path):
    scene = make_scene(tmp_path, ["one"])
    track = replace(scene.tracks[0], limits=Limits(-1.25e-7, 3.0000001e12))
    hub = build(replace(scene, tracks=(track,)), tmp_path)
    assert hub.wrong == []
    assert hub.tracks["t0"]["viewLimits"] == "-1.25e-07:3e+12"


def test_five_thousand_tracks_keep_every_rule_and_ten_are_on(tmp_path):
    cells = [f"cell {i % 120}" for i in range(5000)]
    scene = make_scene(
        tmp_path,
        [f"CAGE:{cell}, donor {i}" for i, cell in enumerate(cells)],
        assay=[["CAGE", "ATAC", "ChIP-seq"][i % 3] for i in range(5000)],
        cell=cells,
    )
    hub = build(replace(scene, group_by=("cell", "assay")), tmp_path, files=False)
    assert hub.wrong == []
    assert len(hub.subtracks()) == 5000
    on = [name for name, each in hub.subtracks().items() if each["parent"].endswith(" on")]
    assert len(on) == 10
    assert len(hub.tracks["tracks"]["subGroup1"].split()) == 2 + 120
    assert hub.tracks["t17"]["shortLabel"] == "CAGE:cel..onor 17"


def test_hostile_texts_break_no_rule(tmp_path):
    scene = make_scene(tmp_path, HOSTILE, **{"cell\nline = <b>": HOSTILE, "assay": HOSTILE})
    scene = add_everything(replace(scene, run='r"<i>\n', genome="g\n<b>=", licence=HOSTILE[4]))
    observed = replace(scene.observed[0], name=HOSTILE[12])
    tracks = tuple(replace(track, description=track.name) for track in scene.tracks)
    scene = replace(scene, observed=(observed,), tracks=tracks, email="a@b.org\nhub other")
    hub = build(replace(scene, group_by=("cell\nline = <b>", "assay")), tmp_path)
    assert hub.wrong == []
    assert len(hub.subtracks()) == len(HOSTILE) + 1
    assert hub.tracks["t4"]["longLabel"] == "‹script›alert(1)‹/script›"
    assert hub.tracks["t12"]["longLabel"] == "visibility hide track other"
    assert hub.tracks["t10"]["longLabel"] == "t10"  # its name and its description are empty
    page = (hub.folder / "description.html").read_text()
    assert set(re.findall("<[a-z/!]+", page)) == {
        *("<!", "<html", "</html", "<head", "</head", "<meta", "<title", "</title"),
        *("<body", "</body", "<h", "</h", "<p", "</p"),
    }


def test_columns_that_ucsc_cannot_read_are_left_out_with_a_note(tmp_path, caplog):
    names = [f"n{i}" for i in range(1001)]
    scene = replace(
        make_scene(tmp_path, names, sample=names, assay=["a", *["b"] * 1000]),
        group_by=("sample", "assay"),
    )
    hub = build(scene, tmp_path, files=False)
    assert hub.wrong == []
    assert hub.tracks["tracks"]["dimensions"] == "dimY=assay"
    assert (
        "the hub does not group tracks by column 'sample': UCSC reads up to 8 columns of up to "
        "1,000 values; the page does group them"
    ) in caplog.messages


def test_tracks_without_metadata_have_no_subgroups(tmp_path):
    hub = build(make_scene(tmp_path, ["one"]), tmp_path)
    assert hub.wrong == []
    assert "dimensions" not in hub.tracks["tracks"] and "subGroups" not in hub.tracks["t0"]


def test_a_hub_without_an_address_says_so(tmp_path, caplog):
    caplog.set_level("INFO")
    hub = build(replace(make_scene(tmp_path), email=None), tmp_path)
    assert hub.wrong == []
    assert hub.hub["email"] == "unset@example.invalid"
    assert caplog.messages == [
        "hub.txt gives unset@example.invalid as its contact: set browser.email to publish the hub"
    ]


def test_the_description_names_model_scale_and_licence(tmp_path):
    scene = add_everything(make_scene(tmp_path))
    scene = replace(
        scene,
        licence="CC BY-NC 4.0",
        weights=("hf://lab/model",),
        tracks=(*scene.tracks[:2], replace(scene.tracks[2], computed="mean of 2 folds")),
    )
    write_hub(scene)
    page = (scene.folder.hub / "description.html").read_text()
    for text in (
        "in bins of 8 bp (3 in all).",
        "Model: hf://lab/model.",
        "Values are the model's output on its own scale.",
        "Values were computed as follows: mean of 2 folds.",
        "Observed tracks (1) are grey.",
        "Terms of the model's weights: CC BY-NC 4.0.",
        "Contact: lab@example.org.",
    ):
        assert f"<p>{text}" in page or text in page


def test_the_same_scene_gives_the_same_bytes(tmp_path):
    scene = add_everything(make_scene(tmp_path, assay=["b", "a", None]))
    first = [(seal.path, seal.sha256) for seal in write_hub(scene)]
    assert [(seal.path, seal.sha256) for seal in write_hub(scene)] == first
    assert {path.name for path, _ in first} == {
        *("hub.txt", "genomes.txt", "trackDb.txt", "groups.txt", "description.html", "toy.2bit"),
    }


def test_the_library_leaves_logging_as_it_is(tmp_path):
    import logging

    root = logging.getLogger()
    before = root.handlers[:], root.level
    write_hub(make_scene(tmp_path))
    assert (root.handlers[:], root.level) == before


@pytest.mark.parametrize(
    ("file", "old", "new", "wrong"),
    [
        ("hub.txt", "email lab@example.org\n", "", "hub.txt: no email"),
        ("trackDb.txt", "track t1\n", "track t 1\n", "t 1: not a name"),
        ("trackDb.txt", "track t1\n", "track t0\n", "t0: a second one"),
        ("trackDb.txt", "bigwig/t1.bw", "bigwig/t9.bw", "../bigwig/t9.bw: does not exist"),
        ("trackDb.txt", "../bigwig/t1.bw", "../../x.bw", "../../x.bw: leads out of "),
        ("trackDb.txt", "viewLimits 0:2.5", "viewLimits 3:2.5", "t1: viewLimits"),
        ("trackDb.txt", "color 0,114,178", "color 0,114,300", "t0: color"),
        ("trackDb.txt", "subGroups assay=ATAC", "subGroups assay=DNase", "t0: subGroups"),
        ("trackDb.txt", "parent tracks on", "parent other on", "t0: its parent"),
        ("trackDb.txt", "dimY=kind", "dimY=sort", "tracks: dimensions"),
        ("trackDb.txt", "priority 1\n", "mystery 1\n", "t0: settings {'mystery'}"),
        ("genomes.txt", "organism toy\n", "", "genomes.txt: no organism"),
    ],
)
def test_the_rules_find_what_is_wrong(tmp_path, file, old, new, wrong):
    scene = add_everything(make_scene(tmp_path, assay=["ATAC", "ATAC", "CAGE"]))
    assert build(scene, tmp_path).wrong == []
    path = scene.folder.hub / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    found = read_hub(scene.folder.hub, root=tmp_path / "run")
    assert any(each.startswith(wrong) for each in found.wrong), found.wrong
