"""Finished results stay proved: damage is found, and a run is repeated from its manifest alone."""

import json
import os
import re
import subprocess
import sys

import pytest
import yaml

from pipeline import CPU, ROOT, run, snakemake, write_project

pytestmark = pytest.mark.usefixtures("warm_tools")


def genometracks(folder, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "genometracks.cli", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}"},
        capture_output=True,
        text=True,
    )


def test_a_damaged_bigwig_is_not_certified_and_is_rebuilt_without_a_prediction(tmp_path):
    write_project(tmp_path, run="r", bases=3000, prediction=CPU)
    run(tmp_path)
    folder = tmp_path / "results/r"
    bigwig = folder / "bigwig/one.bw"
    right, manifest = bigwig.read_bytes(), (folder / "manifest.json").read_bytes()
    bigwig.write_bytes(right[:-9] + bytes([right[-9] ^ 1]) + right[-8:])
    done = snakemake(tmp_path)
    log = (folder / "logs/manifest.log").read_text()
    assert done.returncode and not (folder / "manifest.json").exists()
    assert (
        "genometracks manifest: results/r/bigwig/one.bw: its content changed since it was written: "
        "delete it and run again: it is written again without a prediction\n"
    ) in log
    bigwig.unlink()
    output = run(tmp_path)
    assert "rule bigwig:" in output and "rule predict:" not in output
    assert bigwig.read_bytes() == right and (folder / "manifest.json").read_bytes() == manifest


def test_a_run_is_repeated_from_its_manifest_alone(tmp_path):
    config = {"model": {"weights": "m.safetensors", "window": "auto"}, "shards": "auto"}
    write_project(tmp_path, run="r", bases=3000, prediction={"device": "cpu"})
    given = yaml.safe_load((tmp_path / "config.yaml").read_text()) | config
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(given))
    run(tmp_path)
    manifest = tmp_path / "results/r/manifest.json"
    kept = tmp_path / "kept.json"
    kept.write_bytes(manifest.read_bytes())
    done = genometracks(tmp_path, "rerun", "kept.json", "--results", "again")
    assert done.returncode == 0, done.stdout + done.stderr
    count = len(json.loads(kept.read_text())["outputs"])
    assert done.stdout == f"again/r: all {count} results have the same bytes\n"
    assert {"r: plan", "r: predict", "r: report"} <= set(done.stderr.splitlines())
    assert all(re.match("r: |note: r: ", line) for line in done.stderr.splitlines()), done.stderr
    made = yaml.safe_load((tmp_path / "again/r.yaml").read_text())
    settings = json.loads(kept.read_text())["settings"]
    assert made["prediction"]["batch_size"] == settings["batch_size"]
    assert isinstance(made["model"]["window"], int) and isinstance(made["shards"], int)

    other = json.loads(kept.read_text())
    other["outputs"]["bigwig/one.bw"]["sha256"] = "0" * 64
    kept.write_text(json.dumps(other))
    done = genometracks(tmp_path, "rerun", "kept.json", "--results", "again")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == (
        f"genometracks rerun: again/r: 1 of {count} results differ: bigwig/one.bw: compare the "
        "values of both runs"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--results", "results"], "results: the run of results/r/manifest.json is in this folder"),
        (["--results", "x", "--set", "shards"], "--set shards: write KEY=VALUE"),
        (["--results", "x", "--set", "shard=2"], "config: unknown key 'shard'"),
        (["--results", "x", "--set", "genome.fasta=no.fa"], "the run failed: its error is above"),
    ],
)
def test_a_run_that_cannot_be_repeated_is_one_error(tmp_path, words, message):
    write_project(tmp_path, run="r", bases=600, prediction=CPU)
    run(tmp_path)
    done = genometracks(tmp_path, "rerun", "results/r/manifest.json", *words)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith(f"genometracks rerun: {message}")
