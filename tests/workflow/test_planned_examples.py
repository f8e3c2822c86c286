"""A dry run plans every example, with small weights and inputs under the names in its config.

What is in the Hub is taken from a file of the same name. Weights of full size are an empty state
dict: a dry run reads descriptions only.
"""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyBigWig
import pytest
import torch
import yaml
from torch import nn

import packages
import pipeline
from bpnet_files import make_config, write_torch
from bpnet_files import write_keras as write_chrombpnet_file
from grelu_models.models.bpnet import BPNet
from keras_files import draw_values, layer, model, write_keras
from spliceai_files import write_keras2
from toys import random_bases, write_checkpoint, write_fasta, write_model

ROOT = pipeline.ROOT
EXAMPLES = [ROOT / "config/config.yaml", *sorted((ROOT / "config/examples").glob("*.yaml"))]
PLUGIN = ROOT / "examples/plugins/alphagenome"

SPLICE_SITES = ["acceptor+", "donor+", "acceptor-", "donor-"]

Writer = Callable[[Path], object]
"""Writes weights to a path."""


def write_nothing(path: Path) -> None:
    torch.save({}, path)


def write_demo(path: Path) -> None:
    for suffix in (".safetensors", ".yaml"):
        shutil.copy(ROOT / f"config/demo/dcas9{suffix}", path.with_suffix(suffix))


def write_own_module(path: Path) -> None:
    write_demo(path)
    own = path.parents[1] / "examples"
    own.mkdir()
    shutil.copy(ROOT / "config/examples/own_module.py", own)


def write_described(path: Path) -> None:
    write_model(path.parent, name=path.stem, tracks=[{"name": "ATAC_K562"}], n_tasks=1)


def write_zoo(path: Path) -> None:
    names = ["Atrial Cardiomyocyte", "Hepatocyte", "Ventricular Cardiomyocyte"]
    write_checkpoint(path, data_params={"tasks": {"name": names}, "train": {"seq_len": 96}})


def write_bpnet(path: Path) -> None:
    write_torch(path, BPNet(n_filters=2, n_layers=8, n_outputs=2).state_dict())


def write_chrombpnet(path: Path) -> None:
    """A file of chrombpnet with both models; the code of its Lambda layer is not read."""
    state = {}
    layers = {"iconv": "1st_conv", "fconv": "prof_out_precrop", "linear": "logcount_predictions"}
    for part, prefix in {"model": "", "model_wo_bias": "wo_bias_bpnet_"}.items():
        for name, tensor in BPNet(n_filters=2, n_layers=8, n_outputs=1).state_dict().items():
            module, _, kind = name.rpartition(".")
            found = layers.get(module) or f"{int(module.split('.')[1]) + 1}conv"
            stem = "bpnet_" if not prefix and "conv" in found else prefix
            role = "kernel" if kind == "weight" else "bias"
            state[f"{part}/{stem}{found}/{role}"] = tensor.permute(*reversed(range(tensor.ndim)))
    write_chrombpnet_file(path, state, make_config(state, window=2114, crops={}))


def write_spliceai(path: Path) -> None:
    write_keras2(path, 10_000)


def write_whole_keras(path: Path) -> None:
    layers = model(
        layer("InputLayer", "bases", batch_input_shape=[None, None, 4]),
        layer("Conv1D", "sites", "bases", filters=2, kernel_size=[401]),
        layer("GlobalAveragePooling1D", "mean", "bases"),
        outputs=["sites", "mean"],
    )
    shapes = {"layers/conv1d/vars/0": [401, 4, 2], "layers/conv1d/vars/1": [2]}
    write_keras(path, layers, {name: draw_values(name, shape) for name, shape in shapes.items()})


def write_program(path: Path) -> None:
    windows = {0: torch.export.Dim("windows")}
    module = nn.Conv1d(4, 2, 15).eval()
    program = torch.export.export(module, (torch.zeros(2, 4, 64),), dynamic_shapes=(windows,))
    torch.export.save(program, path)


CASES: dict[str, tuple[Writer, list[str]]] = {
    "borzoi-four-folds-hg38": (write_nothing, ["RNA_heart", "RNA_liver", "heart_vs_liver_rna"]),
    "borzoi-hg38": (write_nothing, ["ENCFF977RXW", "CNhs10608+"]),
    "bpnet": (write_bpnet, ["signal+", "signal-"]),
    "chrombpnet": (write_chrombpnet, ["signal"]),
    "config": (write_demo, ["dcas9_chip"]),
    "demo-both-strands": (write_demo, ["dcas9_chip"]),
    "demo-folds": (write_demo, ["dcas9_chip", "dcas9_chip.sd"]),
    "enformer-mm10": (write_nothing, ["ENCFF977RXW"]),
    "flashzoi-hg38": (write_nothing, ["ENCFF977RXW"]),
    "human": (write_spliceai, SPLICE_SITES),
    "keras": (write_whole_keras, ["track_0", "track_1"]),
    "one-value-a-window": (write_described, ["ATAC_K562"]),
    "own-architecture": (write_nothing, ["track_0", "track_1"]),
    "own-module": (write_own_module, ["dcas9_chip"]),
    "program": (write_program, ["first", "second"]),
    "spliceai": (write_spliceai, SPLICE_SITES),
    "zoo-checkpoint": (write_zoo, ["Atrial_Cardiomyocyte", "Ventricular_Cardiomyocyte"]),
}
"""Example -> how its weights are written, and tracks that it writes."""

TABLES = {
    "targets_human.txt": (
        7611,
        [
            {"identifier": "ENCFF977RXW", "description": "DNASE:heart"},
            {"identifier": "CNhs10608+", "description": "RNA:heart"},
            {"identifier": "ENCFF000AAA", "description": "RNA:liver"},
        ],
    ),
    "targets_mouse.txt": (1643, [{"identifier": "ENCFF977RXW", "description": "DNASE:heart"}]),
    "tracks.tsv": (2, [{"name": "first"}, {"name": "second"}]),
}
"""Table of tracks -> its number of rows, and the first ones; the others have numbers."""


def write_inputs(folder: Path, config: dict[str, Any], write_weights: Writer) -> None:
    """Write every file that a config names, under that name."""
    weights = config["model"]["weights"]
    for path in weights if isinstance(weights, list) else [weights]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        write_weights(folder / path)
    if "tracks" in config["model"]:
        write_table(folder / config["model"]["tracks"])
    genome, evaluation = config["genome"], config.get("evaluation", {})
    (folder / genome["fasta"]).parent.mkdir(parents=True, exist_ok=True)
    contig = "U00096.3" if "MG1655" in genome["fasta"] else "chr1"
    write_fasta(folder / genome["fasta"], {contig: random_bases(5000, seed=0)})
    regions = [genome[key] for key in ("regions", "annotation") if key in genome]
    for entry in evaluation.get("sites", []):
        regions += [entry["file"], entry["within"]["file"]]
    for path in regions:
        (folder / path).write_text("chr1\t1000\t2000\n")
    for entry in evaluation.get("observed", []):
        with pyBigWig.open(str(folder / entry["bigwig"]), "w") as file:
            file.addHeader([("chr1", 5000)])
            file.addEntries(["chr1"], [0], ends=[5000], values=[1.0])


def write_table(path: Path) -> None:
    """Write a table of tracks, which has the columns that the examples use."""
    count, rows = TABLES[path.name]
    columns = {"strand_pair": 0, "scale": 0.1, "clip_soft": 32, "sum_stat": "sum_sqrt"}
    (name, *_) = rows[0]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], *columns], delimiter="\t")
        writer.writeheader()
        for i in range(count):
            row = rows[i] if i < len(rows) else {name: f"other{i}"}
            writer.writerow({**row, **columns, "strand_pair": i})


def name_locally(weights: str) -> str:
    """The path of weights; of those in the Hub, the path within their repository."""
    return weights.partition(":")[2] if "@" in weights else weights


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_planned(warm_tools, tmp_path, path):
    config = yaml.safe_load(path.read_text())
    weights = config["model"]["weights"]
    if isinstance(weights, list):
        config["model"]["weights"] = [name_locally(each) for each in weights]
    else:
        config["model"]["weights"] = name_locally(weights)
    write_weights, tracks = CASES[path.stem]
    torch.manual_seed(0)
    write_inputs(tmp_path, config, write_weights)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    output = pipeline.run(tmp_path, "-n")
    assert {"plan", "predict", "bigwig"} <= pipeline.list_rules(output)
    for track in tracks:
        assert f"bigwig/{track}.bw" in output


def test_the_example_of_the_plug_in_is_planned(monkeypatch, tmp_path):
    config = yaml.safe_load((PLUGIN / "alphagenome.yaml").read_text())
    write_inputs(tmp_path, config, write_nothing)
    shutil.copy(PLUGIN / "alphagenome.yaml", tmp_path / "config.yaml")
    packages.install(monkeypatch, PLUGIN, into=tmp_path / "metadata")
    folders = [PLUGIN, tmp_path / "metadata", ROOT, ROOT / "workflow"]
    output = pipeline.run(tmp_path, "-n", plain=True, PYTHONPATH=":".join(map(str, folders)))
    assert "bigwig/track_0.bw" in output
