"""The RO-Crate of a finished run: what the specification requires, and what the manifest states."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from rocrate.rocrate import ROCrate

from genometracks.cli import main
from genometracks.common.sealing import digest_file
from genometracks.export.seals import load_seals
from genometracks.plan.plan import Plan
from toys import make_words

CRATE = "ro-crate-metadata.json"


@pytest.fixture
def finished(run) -> Path:
    return run.finish()


def write_again(folder: Path, **config) -> None:
    """Write manifest and crate again, with another config."""
    settings = json.loads((folder / "manifest.json").read_text())["config"]
    out = folder / "manifest.json"
    settings = {**settings, **config}
    words = make_words("manifest", settings=settings, plan=folder / "work/plan.json", out=out)
    assert main(words) == 0


def entities(folder: Path) -> dict[str, dict]:
    graph = json.loads((folder / CRATE).read_text())["@graph"]
    found = {entity["@id"]: entity for entity in graph}
    assert len(found) == len(graph)
    return found


def test_rocrate_reads_every_result_back_with_size_and_digest(finished):
    crate = ROCrate(finished)
    outputs = json.loads((finished / "manifest.json").read_text())["outputs"]
    results = {each["name"]: each for each in crate.get("#run")["result"]}
    assert set(results) == {*outputs, "manifest.json"} and len(outputs) == 8
    for name, entity in results.items():
        path = finished / name
        assert entity.type == "File" and Path(entity.source).resolve() == path.resolve()
        assert entity["sha256"] == digest_file(path)
        assert entity["contentSize"] == str(path.stat().st_size)
        assert entity in crate.root_dataset["hasPart"]
    formats = {Path(name).suffix: each["encodingFormat"] for name, each in results.items()}
    assert formats[".tsv"] == "text/tab-separated-values" and formats[".json"] == "application/json"
    assert formats[".parquet"] == "application/vnd.apache.parquet"
    assert formats[".bw"][1].id == "http://edamontology.org/format_3006"


def test_it_has_what_ro_crate_and_the_profiles_require(finished):
    found = entities(finished)
    about, root = found[CRATE], found["./"]
    assert about["@type"] == "CreativeWork" and about["about"] == {"@id": "./"}
    assert {"@id": "https://w3id.org/ro/crate/1.1"} in about["conformsTo"]
    assert root["@type"] == "Dataset" and root["name"] == "run" and root["description"]
    day = max(each.modified for p in (finished / "work/seals").glob("*") for each in load_seals(p))
    assert len(root["datePublished"]) == 10 and day
    assert root["license"].startswith("The licence of the weights is not known to the program")
    profiles = [each["@id"] for each in root["conformsTo"]]
    assert profiles == [
        "https://w3id.org/ro/wfrun/process/0.5",
        "https://w3id.org/ro/wfrun/workflow/0.5",
        "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
    ]
    assert all(found[profile]["@type"] == "CreativeWork" for profile in profiles)
    workflow = found[root["mainEntity"]["@id"]]
    assert workflow["@type"] == ["File", "SoftwareSourceCode", "ComputationalWorkflow"]
    assert root["mainEntity"] in root["hasPart"]
    assert found[workflow["programmingLanguage"]["@id"]]["name"] == "Snakemake"
    action = found[root["mentions"]["@id"]]
    assert action["@type"] == "CreateAction" and action["instrument"] == root["mainEntity"]
    for slot in workflow["input"]:
        assert found[slot["@id"]]["@type"] == "FormalParameter"
    # Every reference is to an entity of the crate, or a web address.
    text = json.dumps(list(found.values()))
    named = [part.split('"')[0] for part in text.split('{"@id": "')[1:]]
    assert [each for each in named if each not in found and not each.startswith("http")] == []


def test_inputs_parameters_and_software_are_those_of_the_run(finished, run):
    found, plan = entities(finished), Plan.load(run.work / "plan.json")
    used = [found[each["@id"]] for each in found["#run"]["object"]]
    fasta = next(each for each in used if each.get("sha256") == plan.genome.sha256)
    assert fasta["name"] == str(run.fasta)
    assert fasta["@id"] == f"nih:sha-256;{hashlib.sha256(run.fasta.read_bytes()).hexdigest()}"
    weights = found["#weights/0"]
    assert weights["name"] == str(run.weights) and weights in used
    assert found["#weights/0/digest"]["value"] == plan.model.folds[0].digest
    values = {each["name"]: each["value"] for each in used if each["@type"] == "PropertyValue"}
    assert values["prediction.trim"] == 0 and values["output.bigwig"] is True
    assert values["genome.contigs"] == '["*"]' and values["run"] == "run"
    assert found["#parameter/output.bigwig"]["additionalType"] == "Boolean"
    assert found["#parameter/prediction.trim"]["additionalType"] == "Integer"
    versions = json.loads((finished / "manifest.json").read_text())["versions"]
    software = {
        each["name"]: each["softwareVersion"]
        for each in found.values()
        if each["@type"] == "SoftwareApplication"
    }
    assert software == {name: versions[name] for name in versions if name != "grelu-tracks"}


def test_the_same_run_gives_the_same_bytes(finished):
    before = (finished / CRATE).read_bytes()
    write_again(finished)
    assert (finished / CRATE).read_bytes() == before


def test_it_is_sealed_with_the_manifest(finished):
    sealed = {each.file: each for each in load_seals(finished / "work/seals/manifest.json")}
    assert set(sealed) == {"manifest.json", CRATE}
    assert sealed[CRATE].sha256 == digest_file(finished / CRATE)


def test_secrets_are_masked(finished):
    config = json.loads((finished / "manifest.json").read_text())["config"]
    address = "https://me:hunter2@lab.org/g.fa?token=hf_abcdefghijklmnopqrstuvwxyz0123456789"
    write_again(finished, genome={**config["genome"], "fasta": address})
    text = (finished / CRATE).read_text()
    assert "hunter2" not in text and "abcdefghij" not in text and "***@lab.org/g.fa" in text


def test_licence_and_citation_of_the_weights_are_stated(make_run):
    run = make_run("cited", shards=3)
    beside = run.weights.with_suffix(".yaml")
    terms = '\nlicence: CC BY 4.0\ncitation: "Doe et al. 2026, doi:10.1000/182; Roe 2025"\n'
    beside.write_text(beside.read_text() + terms)
    run.plan()
    run.predict()
    folder = run.finish()
    model = json.loads((folder / "manifest.json").read_text())["model"]
    assert model["licence"] == "CC BY 4.0"
    assert model["citation"] == "Doe et al. 2026, doi:10.1000/182; Roe 2025"
    line = "weights      licence CC BY 4.0; cite Doe et al. 2026, doi:10.1000/182; Roe 2025"
    assert line in (folder / "summary.txt").read_text().splitlines()
    found = entities(folder)
    assert found["./"]["license"] == "Of the weights: CC BY 4.0"
    papers = [{"@id": "https://doi.org/10.1000/182"}, {"@id": "#citation/1"}]
    assert found["./"]["citation"] == papers == found["#weights/0"]["citation"]
    assert found["https://doi.org/10.1000/182"]["name"] == "Doe et al. 2026, doi:10.1000/182"
    assert found["#weights/0"]["license"] == "CC BY 4.0"


def test_a_run_without_them_has_the_records_of_before(finished):
    for name in ("work/model.json", "work/plan.json", "manifest.json", "summary.txt"):
        text = (finished / name).read_text()
        assert "citation" not in text and "licence" not in text
    shutil.rmtree(finished / "parquet")
    assert ROCrate(finished).get("manifest.json") is not None
