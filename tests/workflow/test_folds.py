"""The example with three folds of the demo's model, from training to the tracks."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pyBigWig
import pytest
import torch
import yaml
from safetensors.torch import save_file

from grelu_models.checkpoint import load
from pipeline import run
from toys import one_hot, random_bases, write_fasta

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config" / "examples" / "demo-folds.yaml"
BASES = random_bases(28_000, seed=11)
SEEDS = (1, 2, 3)


def train_folds(folder: Path) -> list[Path]:
    """Train three models for two epochs; the target of a bin is its fraction of G and C."""
    spec = importlib.util.spec_from_file_location("train", ROOT / "config" / "demo" / "train.py")
    train = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(train)
    codes = torch.tensor(["ACGT".index(base) for base in BASES], dtype=torch.uint8)
    strong = ((codes == 1) | (codes == 2)).float()
    target = strong[: len(codes) // train.BIN * train.BIN].reshape(-1, train.BIN).mean(1)
    described = yaml.safe_load((ROOT / "config" / "demo" / "dcas9.yaml").read_text())
    paths = []
    for seed in SEEDS:
        weights = folder / str(seed) / "dcas9.safetensors"
        weights.parent.mkdir()
        model = train.train(codes, target, seed=seed, epochs=2)
        save_file(model.state_dict(), weights)
        weights.with_suffix(".yaml").write_text(yaml.safe_dump(described))
        paths.append(weights)
    return paths


@pytest.fixture(scope="module")
def project(tmp_path_factory, warm_tools) -> tuple[Path, list[Path]]:
    """The run of the example, on a random genome and with folds trained here."""
    folder = tmp_path_factory.mktemp("folds")
    folds = train_folds(folder)
    write_fasta(folder / "g.fa", {"c": BASES})
    config = yaml.safe_load(EXAMPLE.read_text())
    config["genome"]["fasta"] = "g.fa"
    config["model"]["weights"] = [str(fold.relative_to(folder)) for fold in folds]
    config["shards"] = 2
    del config["evaluation"]
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    run(folder)
    return folder / "results" / "demo_folds", folds


def test_mean_and_deviation_are_those_of_the_folds(project):
    results, folds = project
    model = [load(fold)[0] for fold in folds]
    size, crop, length = 16, 22, 84
    written = {}
    for name in ("dcas9_chip", "dcas9_chip.sd"):
        with pyBigWig.open(str(results / "bigwig" / f"{name}.bw")) as file:
            assert file.chroms() == {"c": len(BASES)}
            intervals = file.intervals("c")
            assert intervals[0][0] == 0 and intervals[-1][1] == len(BASES)
            written[name] = np.array([value for _, _, value in intervals])
    for window in (0, 9, 20):  # the last one is cut off by the contig's end
        read = one_hot(BASES, (window * length - crop) * size, 2048)
        with torch.inference_mode():
            each = np.stack(
                [((one(read) + one(read.flip(1, 2)).flip(-1)) / 2)[0, 0].numpy() for one in model]
            )
        bins = slice(window * length, min((window + 1) * length, len(BASES) // size))
        each = each[:, : bins.stop - bins.start]
        np.testing.assert_allclose(written["dcas9_chip"][bins], each.mean(0), rtol=0, atol=1e-5)
        np.testing.assert_allclose(
            written["dcas9_chip.sd"][bins], each.std(0, ddof=1), rtol=0, atol=1e-5
        )
    assert written["dcas9_chip.sd"].mean() > 1e-3  # the folds differ


def test_outputs_state_what_was_averaged(project):
    results, _ = project
    computed = "logits, then the mean of 2 strands x 3 folds; the model's scale"
    lines = [line.split("\t") for line in (results / "tracks.tsv").read_text().splitlines()]
    columns = lines[0]
    assert [line[columns.index("track")] for line in lines[1:]] == ["dcas9_chip", "dcas9_chip.sd"]
    assert [line[columns.index("computed")] for line in lines[1:]] == [
        computed,
        "SD of 3 folds: logits, then the mean of 2 strands; the model's scale",
    ]
    assert [line[columns.index("index")] for line in lines[1:]] == ["0", ""]
    manifest = json.loads((results / "manifest.json").read_text())
    assert manifest["average"] == {
        "folds": 3,
        "reverse_complement": True,
        "shifts": [0],
        "order": "activation",
        "computed": computed,
    }
    sources = [fold["source"] for fold in manifest["model"]["folds"]]
    assert sources == [f"{seed}/dcas9.safetensors" for seed in SEEDS]
    assert f"tracks       2 (dcas9_chip, dcas9_chip.sd): {computed}" in (
        (results / "summary.txt").read_text().splitlines()
    )
