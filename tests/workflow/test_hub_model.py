"""A run whose model is a file on the hub: fetched once, then no network is needed."""

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import pytest
import torch
import yaml

from hub_server import COMMIT, HubServer
from pipeline import snakemake
from toys import random_bases, write_checkpoint, write_fasta

pytestmark = pytest.mark.usefixtures("warm_tools")
SOURCE = f"lab/toy-model@{COMMIT}:model.ckpt"


def ask(folder: Path, address: str) -> str:
    done = snakemake(folder, HF_ENDPOINT=address, HF_HOME=str(folder / "cache"))
    return f"{done.returncode}\n{done.stdout}{done.stderr}"


def test_a_model_of_the_hub_is_fetched_once_and_predicted(tmp_path):
    write_fasta(tmp_path / "g.fa", {"chr1": random_bases(700, seed=0)})
    (tmp_path / "targets.tsv").write_text(
        "identifier\tstrand_pair\tindex\nENC+\t1\t9\nENC-\t0\t8\nDNASE\t2\t7\n"
    )
    config = {
        "run": "hub",
        "genome": {"fasta": "g.fa"},
        "model": {"weights": SOURCE, "tracks": "targets.tsv"},
        "prediction": {"batch_size": 4, "precision": "fp32", "device": "cpu"},
        "output": {"tracks": ["ENC*"]},
        "shards": 2,
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    content = write_checkpoint(tmp_path / "a.ckpt").read_bytes()
    hub = HubServer("lab/toy-model", {"model.ckpt": content})
    try:
        done = ask(tmp_path, hub.address)
        assert done.startswith("0\n"), done
        asked = [(method, path) for method, path, _ in hub.requests if path.startswith("lab/")]
        assert asked.count(("GET", f"lab/toy-model/resolve/{COMMIT}/model.ckpt")) == 1
    finally:
        hub.stop()
    results = tmp_path / "results" / "hub"
    assert sorted(path.name for path in (results / "bigwig").iterdir()) == ["ENC+.bw", "ENC-.bw"]
    rows = list(csv.DictReader((results / "tracks.tsv").open(), delimiter="\t"))
    assert [(row["name"], row["index"], row["model_index"]) for row in rows] == [
        ("ENC+", "0", "9"),
        ("ENC-", "1", "8"),
    ]
    described = json.loads((results / "work" / "model.json").read_text())
    assert described["folds"][0]["source"] == SOURCE and described["strand_partners"] == [1, 0, 2]
    assert described["activation"] == "sigmoid"
    assert (
        json.loads((results / "manifest.json").read_text())["config"]["model"]["weights"] == SOURCE
    )
    assert "Nothing to be done" in ask(tmp_path, hub.address)
    (results / "bigwig" / "ENC+.bw").unlink()
    assert ask(tmp_path, hub.address).startswith("0\n")
    assert (results / "bigwig" / "ENC+.bw").exists()


def test_a_hub_that_does_not_answer_is_reported_in_one_line(tmp_path):
    write_fasta(tmp_path / "g.fa", {"chr1": random_bases(700, seed=0)})
    config = {"genome": {"fasta": "g.fa"}, "model": {"weights": SOURCE}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    hub = HubServer("lab/toy-model", {})
    hub.stop()
    done = ask(tmp_path, hub.address)
    assert done.startswith("1\n")
    lines = [line for line in done.splitlines() if "grelu-tracks" in line]
    assert (
        len(lines) == 1 and f"{SOURCE}: not in the cache, and the hub does not answer" in lines[0]
    )
    assert "Traceback" not in done


def test_folds_with_the_same_file_name_are_kept_apart(tmp_path):
    """Files of a cross-validation often differ by their folder alone."""
    write_fasta(tmp_path / "g.fa", {"chr1": random_bases(700, seed=0)})
    files = {}
    for fold in (0, 1):
        state = {"model.head.channel_transform.conv.layer.bias": torch.full((3,), 2.0 + fold)}
        path = write_checkpoint(tmp_path / "made.ckpt", tensors=state)
        files[f"fold_{fold}/model.ckpt"] = path.read_bytes()
    config = {
        "run": "folds",
        "genome": {"fasta": "g.fa"},
        "model": {
            "weights": [f"lab/toy-model@{COMMIT}:{name}" for name in files],
            "sha256": [hashlib.sha256(content).hexdigest() for content in files.values()],
            "activation": "logits",
        },
        "prediction": {"batch_size": 4, "precision": "fp32", "device": "cpu"},
        "output": {"sd": True, "bigwig": False, "tracks": ["one"]},
        "shards": 1,
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    hub = HubServer("lab/toy-model", files)
    try:
        done = ask(tmp_path, hub.address)
    finally:
        hub.stop()
    assert done.startswith("0\n"), done
    results = tmp_path / "results" / "folds"
    for fold, content in enumerate(files.values()):
        assert (results / "work" / "weights" / str(fold) / "model.ckpt").read_bytes() == content
        assert (results / "logs" / f"weights_{fold}.log").exists()
    # The folds differ only in the output's bias, by 1.
    table = ds.dataset(results / "parquet", partitioning="hive").to_table()
    np.testing.assert_allclose(table["one.sd"].to_numpy(), 0.5**0.5, rtol=1e-5)
    assert "Nothing to be done" in ask(tmp_path, hub.address)
