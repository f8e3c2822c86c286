"""What `genometracks init` writes is run by the workflow, for every kind of weights."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyBigWig
import pytest
import torch
import yaml

from bpnet_files import write_torch
from cases import fill_weights
from genometracks.cli import main
from grelu_models.models.bpnet import BPNet
from keras_files import draw_values, layer, model, write_keras
from pipeline import run
from program_files import Conv
from spliceai_files import write_keras2
from toys import ARCHITECTURE, random_bases, write_checkpoint, write_fasta, write_model

pytestmark = pytest.mark.usefixtures("warm_tools")


def write_keras_model(path: Path) -> None:
    layers = model(
        layer("InputLayer", "bases", batch_input_shape=[None, 64, 4]),
        layer("Conv1D", "c", "bases", filters=2, kernel_size=[5], padding="same"),
    )
    shapes = {"layers/conv1d/vars/0": [5, 4, 2], "layers/conv1d/vars/1": [2]}
    write_keras(path, layers, {name: draw_values(name, shape) for name, shape in shapes.items()})


def write_program(path: Path) -> None:
    windows = {0: torch.export.Dim("windows")}
    bases = (torch.zeros(2, 4, 64),)
    program = torch.export.export(Conv().eval(), bases, dynamic_shapes=(windows,))
    torch.export.save(program, path)


def write_bpnet(path: Path) -> None:
    state = BPNet(n_filters=2, n_layers=3, n_outputs=2).state_dict()
    fill_weights(state)
    write_torch(path, state)


def write_undescribed(path: Path) -> None:
    write_model(path.parent, name=path.stem)
    path.with_suffix(".yaml").unlink()


Writer = Callable[[Path], object]

KINDS: dict[str, tuple[Writer, list[str]]] = {
    "m.ckpt": (write_checkpoint, ["one", "three", "two"]),
    "m.safetensors": (
        lambda path: write_model(path.parent, name=path.stem),
        ["one", "three", "two_.._etc"],
    ),
    "one.safetensors": (
        lambda path: write_model(path.parent, name=path.stem, final_pool_func="avg"),
        ["one", "three", "two_.._etc"],
    ),
    "m.keras": (write_keras_model, ["track_0", "track_1"]),
    "s.h5": (lambda path: write_keras2(path, 80), ["acceptor+", "acceptor-", "donor+", "donor-"]),
    "b.pt": (write_bpnet, ["signal+", "signal-"]),
    "m.pt2": (write_program, ["track_0", "track_1", "track_2"]),
    "u.safetensors": (write_undescribed, ["track_0", "track_1", "track_2"]),
}
"""Weights -> how they are written, and the stems of the bigWigs."""


def fill_in(folder: Path) -> None:
    """Set what weights that describe nothing leave open, as the comments say."""
    path = folder / "config.yaml"
    text = re.sub("^  # architecture:\n(  #  .*\n)+", "", path.read_text(), flags=re.M)
    config = yaml.safe_load(text)
    config["model"] |= {"architecture": ARCHITECTURE, "window": 96}
    path.write_text(yaml.safe_dump(config))


@pytest.mark.parametrize("name", KINDS)
def test_a_first_config_is_run_as_it_was_written(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write, tracks = KINDS[name]
    write(tmp_path / name)
    contigs = {"chr1": random_bases(700, seed=0), "b": random_bases(90, seed=1)}
    write_fasta(tmp_path / "g.fa", contigs)
    assert main(["init", "config.yaml", "--fasta", "g.fa", "--weights", name]) == 0
    if name.startswith("u."):
        fill_in(tmp_path)
    run(tmp_path)
    written = sorted((tmp_path / "results/config/bigwig").glob("*.bw"))
    assert [path.stem for path in written] == tracks
    for path in written:
        with pyBigWig.open(str(path)) as file:
            assert file.chroms() == {"b": 90, "chr1": 700}
            assert np.isfinite(file.values("chr1", 0, 700, numpy=True)).all()
