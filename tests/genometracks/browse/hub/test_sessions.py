"""IGV's session and JBrowse's config, read back."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from genometracks.browse.hub.hub import write_hub
from genometracks.browse.hub.sessions import write_sessions
from scenes import HOSTILE, add_everything, make_scene, write_data

URI = {
    "type": "object",
    "properties": {"uri": {"type": "string"}, "locationType": {"const": "UriLocation"}},
    "required": ["uri", "locationType"],
    "additionalProperties": False,
}
ADAPTERS = {
    "TwoBitAdapter": {"twoBitLocation": URI, "chromSizesLocation": URI},
    "IndexedFastaAdapter": {"fastaLocation": URI, "faiLocation": URI},
    "BigWigAdapter": {"bigWigLocation": URI},
    "BigBedAdapter": {"bigBedLocation": URI, "aggregateField": {"type": "string"}},
    "MultiWiggleAdapter": {"subadapters": {"type": "array", "minItems": 2}},
}
"""What an adapter's schema in the packages of JBrowse 4.1 has, of which we write all."""
TRACK = {
    "type": "object",
    "properties": {
        "type": {"enum": ["QuantitativeTrack", "MultiQuantitativeTrack", "FeatureTrack"]},
        "trackId": {"type": "string", "pattern": "^[A-Za-z0-9._+-]+$"},
        "name": {"type": "string", "minLength": 1, "pattern": "^(?!jexl:)"},
        "assemblyNames": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "category": {"type": "array", "items": {"type": "string", "minLength": 1}},
        "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
        "adapter": {"type": "object", "required": ["type"]},
        "displays": {"type": "array", "items": {"type": "object", "required": ["displayId"]}},
    },
    "required": ["type", "trackId", "name", "assemblyNames", "category", "adapter"],
    "additionalProperties": False,
}


@pytest.fixture
def scene(tmp_path):
    made = add_everything(make_scene(tmp_path, assay=["ATAC", "ATAC", "CAGE"]))
    write_data(made)
    write_hub(made)
    return made


def read_config(scene) -> tuple[dict, Path]:
    write_sessions(scene)
    folder = scene.folder.hub / "jbrowse"
    return json.loads((folder / "config.json").read_text()), folder


def check_adapter(adapter: dict, folder: Path, *, exists: bool = True) -> None:
    """Check an adapter by the slots that JBrowse declares, and its files."""
    slots = {"type": {}, "source": {"type": "string"}, "color": {"pattern": "^rgb"}}
    slots |= ADAPTERS[adapter["type"]]
    required = list(ADAPTERS[adapter["type"]])
    schema = {"properties": slots, "required": required, "additionalProperties": False}
    jsonschema.validate(adapter, schema)
    for slot, value in adapter.items():
        if slot.endswith("Location"):
            assert (folder / value["uri"]).is_file() or not exists, value
    for each in adapter.get("subadapters", []):
        check_adapter(each, folder, exists=exists)
    sources = [each["source"] for each in adapter.get("subadapters", [])]
    assert len(set(sources)) == len(sources)


def check_config(config: dict, folder: Path, *, exists: bool = True) -> None:
    """Check every track of a config of JBrowse."""
    (assembly,) = config["assemblies"]
    check_adapter(assembly["sequence"]["adapter"], folder, exists=exists)
    keys = [track["trackId"] for track in config["tracks"]]
    assert len(set(keys)) == len(keys)
    for track in config["tracks"]:
        jsonschema.validate(track, TRACK)
        check_adapter(track["adapter"], folder, exists=exists)
        assert track["assemblyNames"] == [assembly["name"]]
        for display in track.get("displays", []):
            assert display["displayId"] == f"{track['trackId']}-{display['type']}"
            assert display["minScore"] < display["maxScore"]
    (view,) = config["defaultSession"]["views"]
    assert view["init"]["assembly"] == assembly["name"]
    assert set(view["init"]["tracks"]) <= set(keys)


def test_jbrowse_gets_every_track_with_its_metadata(scene):
    config, folder = read_config(scene)
    check_config(config, folder)
    tracks = {track["trackId"]: track for track in config["tracks"]}
    assert list(tracks) == [
        *("p_t0", "p_t1", "o_observed_seen", "p_t2", "c_t1", "g_0"),
        *("m_0", "m_1", "m_2", "m_3"),
    ]
    assert tracks["p_t1"]["category"] == ["Predicted", "ATAC"]
    assert tracks["p_t1"]["metadata"] == {"description": "about two", "assay": "ATAC"}
    assert tracks["p_t1"]["displays"][0]["maxScore"] == 2.5
    assert tracks["p_t1"]["displays"][0]["renderers"]["XYPlotRenderer"]["color"] == "rgb(0,114,178)"
    assert tracks["g_0"]["name"] == "assay: ATAC"
    both = tracks["c_t1"]["adapter"]["subadapters"]
    assert [each["source"] for each in both] == ["two", "seen"]
    (view,) = config["defaultSession"]["views"]
    assert view["init"] == {
        "assembly": "toy",
        "loc": "chr1:101-300",
        "tracks": ["m_0", "p_t0", "p_t1", "o_observed_seen", "p_t2", "m_1", "m_2", "m_3"],
    }


def test_a_genome_of_ucsc_is_read_from_the_fasta_with_its_other_names(scene):
    config, folder = read_config(replace(scene, ucsc="hg38", aliases={"chr1": "chrA"}))
    check_config(config, folder)
    (assembly,) = config["assemblies"]
    assert assembly["name"] == "hg38"
    assert assembly["sequence"]["adapter"]["fastaLocation"]["uri"] == "../../work/genome.fa"
    assert assembly["refNameAliases"]["adapter"]["features"] == [
        {"refName": "chr1", "uniqueId": "chr1", "aliases": ["chrA"]}
    ]
    (view,) = config["defaultSession"]["views"]
    assert view["init"]["loc"] == "chr1:101-300"


def read_session(scene) -> ElementTree.Element:
    write_sessions(scene)
    return ElementTree.parse(scene.folder.hub / "igv_session.xml").getroot()


def test_an_igv_session_names_files_that_exist_and_draws_them_in_one_scale(scene):
    session = read_session(scene)
    assert session.attrib == {
        "genome": "../work/genome.fa",
        "locus": "chr1:101-300",
        "hasGeneTrack": "false",
        "hasSequenceTrack": "true",
        "version": "8",
    }
    hub = scene.folder.hub
    assert (hub / session.get("genome")).is_file()
    paths = [each.get("path") for each in session.iter("Resource")]
    assert paths == [
        *("../bigwig/t0.bw", "../bigwig/t1.bw"),
        *("../reference/observed/seen.bw", "../bigwig/t2.bw"),
        *(f"../reference/{name}.bb" for name in ("genes", "sites/TSS", "regions", "blacklist")),
    ]
    assert all((hub / path).is_file() for path in paths)
    assert [track.get("id") for track in session.iter("Track")] == paths
    second, seen = list(session.find("Panel[@name='DataPanel']"))[1:3]
    for track in (second, seen):
        limits = track.find("DataRange")
        assert (limits.get("minimum"), limits.get("maximum")) == ("0.0", "2.5")
        assert track.get("autoScale") == "false"
    assert second.get("color") == "0,114,178" and second.get("name") == "two"


def test_igv_knows_a_genome_of_ucsc_by_its_name(scene):
    session = read_session(replace(scene, ucsc="hg38", aliases={"chr1": "chrA"}))
    assert (session.get("genome"), session.get("locus")) == ("hg38", "chrA:101-300")


def test_an_igv_session_of_many_tracks_names_ten(tmp_path):
    scene = make_scene(tmp_path, [f"n{i}" for i in range(300)])
    session = read_session(scene)
    names = [track.get("name") for track in session.iter("Track")]
    assert names == [f"n{i}" for i in range(290, 300)]


def test_hostile_texts_stay_texts(tmp_path):
    scene = make_scene(tmp_path, HOSTILE, **{"cell\nline": HOSTILE, "assay": HOSTILE})
    scene = add_everything(replace(scene, run="jexl:run", genome="jexl:<b>"))
    write_data(scene)
    write_hub(scene)
    config, folder = read_config(scene)
    check_config(config, folder)
    names = [track["name"] for track in config["tracks"]]
    assert names[:6] == ["a b", "x=y", "seen", "quote's", "it's", "‹script›alert(1)‹/script›"]
    assert names[10] == "jexl evil" and names[11] == "t10"  # the name of t10 is empty
    assert config["defaultSession"]["name"] == "jexl run"
    text = (folder / "config.json").read_text()
    assert '"jexl:' not in text and "<" not in text and "\x1b" not in text
    shown = [track.get("name") for track in read_session(scene).iter("Track")]
    assert all(name.isprintable() and not set(name) & set('<>"') for name in shown)


def test_the_same_scene_gives_the_same_bytes(scene):
    first = [(seal.path, seal.sha256) for seal in write_sessions(scene)]
    assert [(seal.path, seal.sha256) for seal in write_sessions(scene)] == first
    assert [path.name for path, _ in first] == ["igv_session.xml", "config.json"]
