"""Snakemake runs from genome to report; results follow the contract and are restored if lost."""

import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import pybigtools
import pyBigWig
import pytest
import yaml

from pipeline import CPU, planned_rules, run, snakemake, write_project
from toys import random_bases, write_fasta, write_model

pytestmark = pytest.mark.usefixtures("warm_tools")
OBSERVED = ["evaluation.tsv", "figures/locus.png", "figures/scatter_0.png"]
RESULTS = ["manifest.json", "parquet", "report.html", "summary.txt", "tracks.tsv", *OBSERVED]


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in (".bw", ".parquet", ".tsv", ".png")
    }


def make_project(folder: Path, **changes) -> Path:
    """A genome with N and CRLF line ends, an untrained model, an observed track with aliases."""
    folder.mkdir(exist_ok=True)
    bases = random_bases(3000, seed=0)
    contigs = {"chrB": bases[:2001] + "N" * 300 + bases[2301:], "chrA": random_bases(401, seed=1)}
    write_fasta(folder / "g.fa", contigs, end="\r\n")
    write_model(folder, name="m")
    with pyBigWig.open(str(folder / "o.bw"), "w") as out:
        out.addHeader([("2", 3000), ("1", 401)])
        values = np.random.default_rng(0).random(3000)
        out.addEntries("2", 0, values=values.tolist(), span=1, step=1)
        out.addEntries("1", 0, values=values[:401].tolist(), span=1, step=1)
    config = {
        "run": "small",
        "genome": {"fasta": "g.fa"},
        "model": {"weights": "m.safetensors"},
        "prediction": {"batch_size": 4, "precision": "fp32", "device": "cpu"},
        "shards": 3,
        "browser": {"write": False},  # tests/workflow/test_browse.py has it
        "evaluation": {
            "observed": [{"track": "one", "bigwig": "o.bw", "aliases": {"chrB": "2", "chrA": "1"}}],
            "held_out": [{"contig": "chrB", "start": 2400, "end": 3000}],
        },
        **changes,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory, warm_tools) -> Path:
    folder = make_project(tmp_path_factory.mktemp("project"))
    expected = {"model", "genome", "plan", "predict", "merge", "bigwig", "parquet"}
    assert expected <= planned_rules(folder)
    run(folder, plain=True)
    return folder


def test_results_follow_the_contract(project):
    results = project / "results" / "small"
    for name in RESULTS:
        assert (results / name).exists(), name
    assert sorted(path.name for path in (results / "bigwig").iterdir()) == [
        "one.bw",
        "three.bw",
        "two_.._etc.bw",
    ]
    with open(results / "tracks.tsv") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [row["file"] for row in rows] == [
        "bigwig/one.bw",
        "bigwig/two_.._etc.bw",
        "bigwig/three.bw",
    ]
    assert rows[1]["name"] == "two/../etc" and rows[0]["assay"] == "ChIP"


def test_all_readers_return_the_same_values(project):
    results = project / "results" / "small"
    table = ds.dataset(results / "parquet", partitioning="hive").to_table().to_pandas()
    for track, column in (("one", "one"), ("two_.._etc", "two/../etc"), ("three", "three")):
        path = str(results / "bigwig" / f"{track}.bw")
        with pyBigWig.open(path) as first:
            assert first.chroms() == {"chrA": 401, "chrB": 3000}
            second = pybigtools.open(path)
            for contig in ("chrA", "chrB"):
                rows = first.intervals(contig)
                assert list(rows) == list(second.records(contig))
                part = table[table["chrom"] == contig]
                assert [row[0] for row in rows] == part["start"].tolist()
                assert [row[2] for row in rows] == part[column].tolist()
            assert first.intervals("chrA")[-1][:2] == (400, 401)
            covered = [row[:2] for row in first.intervals("chrB") if 1990 < row[0] < 2308]
            # Bins of 4 bp: the one at 2000 contains a base, those inside 2001-2301 contain none.
            assert covered == [(1992, 1996), (1996, 2000), (2000, 2004), (2300, 2304), (2304, 2308)]


def test_the_manifest_lists_the_digest_of_every_output(project):
    results = project / "results" / "small"
    manifest = json.loads((results / "manifest.json").read_text())
    for name, entry in manifest["outputs"].items():
        data = (results / name).read_bytes()
        assert entry == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    assert set(digests(results)) - {"x"} == {
        name for name in manifest["outputs"] if not name.endswith(".html")
    }
    fasta = hashlib.sha256((project / "g.fa").read_bytes()).hexdigest()
    assert manifest["genome"]["sha256"] == fasta
    assert (manifest["genome"]["bins"], manifest["genome"]["padded_bins"]) == (777, 59)
    assert manifest["config"]["prediction"]["trim"] == 0
    assert manifest["observed"][0]["bigwig"] == "o.bw"
    assert manifest["versions"]["torch"] and len(manifest["shards"]) == 3


def test_the_summary_has_seven_lines(project):
    lines = (project / "results/small/summary.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == [
        "bins",
        "tracks",
        "wall",
        "arithmetic",
        "seams",
        "correlation",
        "tracks",
    ]
    # chrA has 101 bins of 4 bp; chrB has 750, minus the 74 inside its run of N.
    # Padded: 18 bins in each first window, 11 and 12 in the last ones.
    assert lines[3] == "arithmetic   fp32 on cpu, batches of 4"
    assert lines[0] == (
        "bins         777 of 4 bp; contigs: 2, 3,401 bp; 59 bins (7.6%) near contig ends read N, "
        "as usual"
    )
    with open(project / "results/small/evaluation.tsv") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    held = next(row for row in rows if row["contig"] == "*" and row["bins_in"] == "held_out")
    assert held["bins"] == "150"
    assert f"{float(held['pearson']):.4f} one and o" in lines[5]


def test_a_finished_run_does_nothing(project):
    assert "Nothing to be done" in run(project)


@pytest.mark.parametrize(
    ("lost", "rules"),
    [
        ("bigwig/three.bw", {"bigwig", "manifest", "summary", "report", "default"}),
        ("parquet", {"parquet", "manifest", "summary", "report", "default"}),
        ("evaluation.tsv", {"evaluate", "manifest", "summary", "report", "default"}),
        ("manifest.json", {"manifest", "summary", "report", "default"}),
    ],
)
def test_a_deleted_result_is_rebuilt_without_prediction(project, lost, rules):
    results = project / "results" / "small"
    before = digests(results)
    path = results / lost
    if path.is_dir():
        subprocess.run(["rm", "-r", str(path)], check=True)
    else:
        path.unlink()
    assert planned_rules(project) == rules
    run(project)
    after = digests(results)
    assert after == before


def test_touched_inputs_keep_the_shards(project):
    shards = project / "results/small/work/shards"
    before = {path.name: path.read_bytes() for path in shards.iterdir()}
    os.utime(project / "m.safetensors")
    os.utime(project / "g.fa")
    run(project)
    assert {path.name: path.read_bytes() for path in shards.iterdir()} == before
    run(project, "--forcerun", "predict")
    assert {path.name: path.read_bytes() for path in shards.iterdir()} == before
    log = (project / "results/small/logs/predict/1.log").read_text()
    assert "shard 1 is complete: nothing to predict" in log
    assert re.search(r"^\S+ finished predict peak [1-9][0-9,]* MB$", log, re.M)


def test_other_shards_and_processes_give_the_same_bytes(project, tmp_path):
    expected = digests(project / "results" / "small")
    other = make_project(tmp_path / "other", shards=7, output={"threads": 2})
    run(other)
    found = digests(other / "results" / "small")
    for name, digest in expected.items():
        assert found[name] == digest, name


def test_settings_left_at_auto_are_determined_once(tmp_path):
    changes = {"model": {"weights": "m.safetensors", "window": "auto"}}
    changes |= {"prediction": {"device": "cpu", "trim": 2}, "evaluation": {}}
    folder = make_project(tmp_path / "auto", **changes)
    assert {"probe", "plan"} <= planned_rules(folder)
    run(folder)
    work = folder / "results/small/work"
    probe = (work / "probe.json").read_bytes()
    found = json.loads(probe)
    manifest = json.loads((folder / "results/small/manifest.json").read_text())
    assert manifest["settings"]["batch_size"] == found["batch_size"]
    assert manifest["settings"]["precision"] == "fp32"
    assert manifest["geometry"]["window"] == found["geometry"]["window"] > 96
    assert "Nothing to be done" in run(folder)
    with open(folder / "g.fa", "a") as file:  # a longer genome keeps the settings
        file.write(">chrC\n" + "ACGTTGCA" * 100 + "\n")
    assert "probe" in planned_rules(folder)
    run(folder)
    assert (work / "probe.json").read_bytes() == probe
    assert len(json.loads((work / "genome.json").read_text())["contigs"]) == 3


def test_a_changed_setting_repeats_the_stages_that_depend_on_it(project):
    config = (project / "config.yaml").read_text()
    try:
        fields = yaml.safe_load(config)
        fields["evaluation"]["locus_width"] = 2000
        (project / "config.yaml").write_text(yaml.safe_dump(fields))
        assert planned_rules(project) == {
            "observed",
            "evaluate",
            "manifest",
            "summary",
            "report",
            "default",
        }
        fields = yaml.safe_load(config)
        fields["output"] = {"threads": 2}
        (project / "config.yaml").write_text(yaml.safe_dump(fields))
        assert planned_rules(project) == {"manifest", "summary", "report", "default"}
        fields = yaml.safe_load(config)
        fields["prediction"]["trim"] = 2
        (project / "config.yaml").write_text(yaml.safe_dump(fields))
        assert {"plan", "predict", "merge", "bigwig", "parquet"} <= planned_rules(project)
        fields = yaml.safe_load(config)
        fields["genome"]["regions"] = "r.bed"
        (project / "r.bed").write_text("chrB\t0\t99\n")
        (project / "config.yaml").write_text(yaml.safe_dump(fields))
        planned = planned_rules(project)
        assert "plan" in planned and "genome" not in planned
    finally:
        (project / "config.yaml").write_text(config)


def test_the_html_report_contains_the_figures(project):
    run(project, "--report", "report.html")
    text = (project / "report.html").read_text()
    assert "locus.png" in text and "scatter_0.png" in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shard": 2}, "grelu-tracks: config: unknown key 'shard': did you mean 'shards'?"),
        ({"genome": {"fasta": "no.fa"}}, "grelu-tracks: no.fa: no such file: check genome.fasta"),
        (
            {"output": {"tracks": ["onne"]}},
            "grelu-tracks: output.tracks: 'onne' matches no track of the model: did you mean one",
        ),
        ({"results": "g.fa/x"}, "g.fa: cannot be written to: change 'results' or its permissions"),
    ],
)
def test_invalid_input_is_reported_in_one_line_before_any_job(tmp_path, changes, message):
    folder = make_project(tmp_path / "bad", **changes)
    done = snakemake(folder)
    assert done.returncode != 0
    assert message in done.stderr.strip().splitlines()[-1]
    assert not (folder / "results").exists()


@pytest.mark.parametrize(
    ("changes", "log", "message"),
    [
        (
            {"model": {"weights": "m.safetensors", "window": 97}},
            "model",
            "window 97 is not a multiple of 4 bp, which the model pools into one position: "
            "use 96 or 100",
        ),
        (
            {"genome": {"fasta": "g.fa", "contigs": ["chr9"]}},
            "genome",
            "genome.contigs: 'chr9' matches no contig of g.fa, which has chrA, chrB",
        ),
        (
            {"genome": {"fasta": "g.fa", "regions": "r.bed"}},
            "plan",
            "r.bed:2: chrA:400-402 extends past the contig's 401 bp",
        ),
        (
            {"evaluation": {"observed": [{"track": "one", "bigwig": "o.bw"}]}},
            "observed",
            "observed bigWig o.bw has no contig chrA; it has 2, 1; "
            "add it to evaluation.observed[0].aliases",
        ),
    ],
)
def test_invalid_input_found_by_a_stage_is_one_line_in_its_log(tmp_path, changes, log, message):
    folder = make_project(tmp_path / "bad", **changes)
    (folder / "r.bed").write_text("# mine\nchrA\t400\t402\n")
    done = snakemake(folder, "--show-failed-logs")
    assert done.returncode != 0
    assert message in (folder / f"results/small/logs/{log}.log").read_text()
    assert message in done.stdout + done.stderr
    assert not (folder / "results/small/bigwig").exists()


def list_predictions(output: str) -> list[str]:
    """Shards that a run, or a dry run, predicts."""
    return sorted(re.findall(r"wildcards: run=small, shard=(\d+)", output))


def test_only_shards_with_windows_are_predicted(tmp_path):
    prediction = {**CPU, "batch_size": 65}
    write_project(tmp_path, run="small", bases=900, prediction=prediction, shards=3)
    assert list_predictions(run(tmp_path, "-n")) == ["0", "1", "2"]  # at most
    assert list_predictions(run(tmp_path)) == ["0"]
    work = tmp_path / "results/small/work"
    assert sorted(path.name for path in (work / "shards").iterdir()) == ["0.json", "0.npy"]
    assert (work / "shards.txt").read_text() == "0\n"
    assert "Nothing to be done" in run(tmp_path, "-n")
    (work / "merge.json").unlink()
    (work / "shards/0.npy").unlink()
    (tmp_path / "results/small/tracks.tsv").unlink()
    assert list_predictions(run(tmp_path, "-n", "--forcerun", "merge")) == ["0"]


def test_a_finished_run_of_an_earlier_version_is_not_repeated(tmp_path):
    """It has no list of shards, since its config gives their number."""
    write_project(tmp_path, run="small", bases=900, prediction=CPU, shards=2)
    run(tmp_path)
    work = tmp_path / "results/small/work"
    (work / "shards.txt").unlink()
    assert "Nothing to be done" in run(tmp_path, "-n")
    assert "Nothing to be done" in run(tmp_path)
    for name in ("merge.json", "shards/1.npy"):  # as if interrupted
        (work / name).unlink()
    results = tmp_path / "results/small"
    (results / "manifest.json").unlink()
    shutil.rmtree(results / "parquet")
    assert list_predictions(run(tmp_path, "-n")) == ["1"]
    assert list_predictions(run(tmp_path)) == ["1"]
    assert (work / "shards.txt").read_text() == "0\n1\n"
