"""Weights of known programs are recognised by the names of their tensors, others are not."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bpnet_files import write_torch
from grelu_models.errors import ModelError
from grelu_models.families.recognise import recognise_family
from grelu_models.files.weights_file import open_weights
from grelu_models.models.bpnet import BPNet
from grelu_models.models.chrombpnet import ChromBPNet
from keras_files import draw_values, layer, model, write_keras
from spliceai_files import name_tensors as name_openspliceai
from spliceai_files import write_keras2
from toys import write_checkpoint, write_model

REFERENCES = json.loads((Path(__file__).parents[1] / "adapter_references.json").read_text())


def recognise(path) -> str | None:
    return recognise_family(open_weights(path))


def name_tensors(path, *names: str):
    """A file of small tensors of these names."""
    save_file({name: torch.zeros(1) for name in names}, path)
    return path


def test_spliceai_is_told_from_other_keras_models(tmp_path):
    assert recognise(write_keras2(tmp_path / "s.h5", 80)) == "SpliceAI"
    layers = model(
        layer("InputLayer", "bases", batch_input_shape=[None, 64, 4]),
        layer("Conv1D", "c", "bases", filters=2, kernel_size=[5]),
        *(layer("BatchNormalization", f"n{i}", "c") for i in range(8)),
    )
    shapes = {"layers/conv1d/vars/0": [5, 4, 2], "layers/conv1d/vars/1": [2]}
    for i in range(8):
        norm = "layers/batch_normalization" + (f"_{i}" if i else "")
        shapes |= {f"{norm}/vars/{k}": [2] for k in range(4)}
    weights = {name: draw_values(name, shape) for name, shape in shapes.items()}
    assert recognise(write_keras(tmp_path / "other.keras", layers, weights)) is None


def test_programs_of_torch_are_recognised(tmp_path):
    single = BPNet(n_filters=2, n_layers=3, n_outputs=2).state_dict()
    assert recognise(write_torch(tmp_path / "b.pt", single)) == "BPNet"
    parts = [BPNet(n_filters=2, n_layers=3, n_outputs=1) for _ in range(2)]
    both = ChromBPNet(accessibility=parts[0], bias=parts[1]).state_dict()
    assert recognise(write_torch(tmp_path / "c.pt", both)) == "ChromBPNet"
    splice = {f"module.{name}": tensor for name, tensor in name_openspliceai(80).items()}
    assert recognise(write_torch(tmp_path / "s.pt", splice)) == "SpliceAI"


@pytest.mark.parametrize("case", REFERENCES)
def test_models_of_other_packages_are_recognised(tmp_path, case):
    """The names are those that the packages have."""
    path = name_tensors(tmp_path / "n.safetensors", *REFERENCES[case]["state"])
    assert recognise(path) == REFERENCES[case]["package"]


def test_other_weights_are_not_recognised(tmp_path):
    assert recognise(write_model(tmp_path)) is None
    assert recognise(write_checkpoint(tmp_path / "c.ckpt")) is None
    assert recognise(name_tensors(tmp_path / "n.safetensors", "_heads.human.0.weight")) is None
    torch.save([1], tmp_path / "list.pt")
    with pytest.raises(ModelError, match="^.*list.pt: "):
        recognise(tmp_path / "list.pt")
