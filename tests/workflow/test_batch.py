"""A sheet of runs is one graph: shared files are made once, and a failed run stops no other."""

import csv
import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from pipeline import CPU, planned_rules, run, snakemake
from toys import random_bases, write_fasta, write_model

pytestmark = pytest.mark.usefixtures("warm_tools")

SHEET = """run\tmodel\tgenome\tshards
aa\tone.safetensors\tg.fa\t2
ab\tone.safetensors\th.fa\t2
ba\ttwo.safetensors\tg.fa\t1
bb\ttwo.safetensors\th.fa\t1
"""


def make_batch(folder: Path, sheet: str = SHEET, **changes) -> Path:
    """Two genomes, two models, four runs."""
    folder.mkdir(exist_ok=True)
    for i, name in enumerate("gh"):
        write_fasta(folder / f"{name}.fa", {"chr1": random_bases(900, seed=i)})
    write_model(folder, name="one")
    write_model(folder, name="two", n_tasks=1, tracks=[{"name": "only"}])
    config = {"runs": "runs.tsv", "prediction": CPU, **changes}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "runs.tsv").write_text(sheet)
    return folder


def digests(folder: Path) -> dict[str, str]:
    names = [*folder.glob("bigwig/*"), *folder.glob("parquet/*/*"), folder / "tracks.tsv"]
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in names
    }


@pytest.fixture(scope="module")
def batch(tmp_path_factory, warm_tools) -> tuple[Path, str]:
    folder = make_batch(tmp_path_factory.mktemp("batch"))
    return folder, run(folder)


def test_shared_files_are_made_once(batch):
    folder, output = batch
    shared = sorted(path.name.split("-")[0] for path in (folder / "results/shared").iterdir())
    assert shared == ["g", "h", "one", "two"]
    counts = Counter(re.findall(r"^(?:local)?rule (\w+):", output, re.M))
    assert [counts[rule] for rule in ("genome", "model", "plan", "predict")] == [2, 2, 4, 6]
    assert counts["bigwig_aa"] == counts["bigwig_bb"] == 1
    assert not (folder / "results/aa/work/genome.fa").exists()


def test_the_runs_are_compared_in_one_report(batch):
    folder, output = batch
    assert len(re.findall(r"^localrule (?:report|compare):", output, re.M)) == 5
    text = (folder / "results/report.html").read_text()
    assert re.findall(r'href="(\w+)/report.html"', text) == ["aa", "ab", "ba", "bb"]
    assert all((folder / "results" / name / "report.html").exists() for name in ("aa", "bb"))


def test_a_run_of_a_batch_equals_the_same_run_alone(batch, tmp_path):
    folder, _ = batch
    alone = make_batch(tmp_path / "alone")
    config = json.loads((folder / "results/ba/manifest.json").read_text())["config"]
    assert config["runs"] is None and config["run"] == "ba"
    (alone / "config.yaml").write_text(yaml.safe_dump(config))
    run(alone)
    expected = digests(alone / "results/ba")
    assert sorted(expected)[0] == "bigwig/only.bw" and len(expected) == 3
    assert digests(folder / "results/ba") == expected
    assert (alone / "results/ba/work/genome.fa").exists()
    with open(folder / "results/ab/tracks.tsv") as file:
        assert [row["name"] for row in csv.DictReader(file, delimiter="\t")][0] == "one"


def test_a_finished_batch_does_nothing_and_a_new_row_adds_its_jobs(batch):
    folder, _ = batch
    assert "Nothing to be done" in run(folder)
    (folder / "runs.tsv").write_text(SHEET + "new\tone.safetensors\tg.fa\t1\n")
    try:
        rules = planned_rules(folder)
        assert {"plan", "predict", "bigwig_new"} <= rules
        assert not {"genome", "model", "bigwig_aa"} & rules
    finally:
        (folder / "runs.tsv").write_text(SHEET)


def test_a_run_that_fails_does_not_stop_the_others(tmp_path):
    sheet = "run\tmodel\tgenome\tprediction.trim\nbad\tone.safetensors\tg.fa\t99\n"
    folder = make_batch(tmp_path, sheet + "good\tone.safetensors\tg.fa\t1\n")
    done = snakemake(folder, "--keep-going")
    assert done.returncode == 1
    assert (folder / "results/good/summary.txt").exists()
    assert "trim" in (folder / "results/bad/logs/plan.log").read_text()
    assert not (folder / "results/bad/bigwig").exists()
    lines = (folder / "results/runs.txt").read_text().splitlines()
    assert lines[0].startswith("bad   failed: plan: genometracks plan: ") and "trim" in lines[0]
    assert lines[1:] == ["good  done: 225 bins of 3 tracks"]
    assert lines[0] in done.stdout and "Run the same command again" in done.stdout


@pytest.mark.parametrize(
    ("sheet", "message"),
    [
        (
            SHEET.replace("two.safetensors\th.fa\t1", "two.safetensors\th.fa\tmany"),
            "grelu-tracks: runs.tsv:5: shards: 'many' is neither a whole number nor 'auto'",
        ),
        (
            SHEET.replace("h.fa\t2", "x.fa\t2"),
            "grelu-tracks: runs.tsv:3: x.fa: no such file: check genome.fasta",
        ),
        (
            SHEET.replace("two.safetensors\tg.fa", "x.safetensors\tg.fa"),
            "grelu-tracks: runs.tsv:4: x.safetensors: no such weights file: check model.weights",
        ),
    ],
)
def test_an_invalid_row_is_reported_in_one_line_before_any_job(tmp_path, sheet, message):
    folder = make_batch(tmp_path, sheet)
    done = snakemake(folder)
    assert done.returncode != 0
    assert message in done.stderr.strip().splitlines()[-1]
    assert not (folder / "results").exists()
