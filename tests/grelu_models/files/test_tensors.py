"""Tensors of other types, and the headers of safetensors files."""

import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from grelu_models.checkpoint import load
from grelu_models.errors import ModelError
from grelu_models.files import safetensors_file
from grelu_models.files.weights import read_state_dict
from toys import write_model


@pytest.mark.parametrize("kind", [torch.int64, torch.bool, torch.complex64])
@pytest.mark.parametrize("form", ["pt", "safetensors"])
def test_only_floats_become_floats(tmp_path, kind, form):
    weights = write_model(tmp_path, norm=True)
    state = load(weights)[0].state_dict()
    name = "head.channel_transform.conv.layer.weight"
    state[name] = state[name].to(kind)
    path = tmp_path / f"model.{form}"
    (save_file if form == "safetensors" else torch.save)(state, path)
    with pytest.raises(ModelError) as caught:
        load(path)
    assert str(caught.value) == (
        f"{path}: the weights do not fit the architecture: {name} is "
        f"{str(kind).removeprefix('torch.')} where the model has float32; the architecture is that "
        "of model.yaml beside them"
    )


def test_floats_of_other_precision_are_converted(tmp_path):
    weights = write_model(tmp_path, norm=True)
    state = load(weights)[0].state_dict()
    half = {
        name: value.half() if value.is_floating_point() else value for name, value in state.items()
    }
    torch.save(half, tmp_path / "model.pt")
    loaded = load(tmp_path / "model.pt")[0].state_dict()
    assert {value.dtype for value in loaded.values()} == {torch.float32, torch.int64}


def write_header(path: Path, header: bytes, data: bytes = bytes(16)) -> Path:
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)
    return path


@pytest.mark.parametrize(
    "header",
    [
        b'{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,16]}}',
        b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},'
        b'"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}',
        b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,17]}}',
        b'{"a":{"dtype":"F32","shape":[4,1e300],"data_offsets":[0,16]}}',
        b'{"a":{"dtype":"F32","shape":[' + b"9" * 5000 + b'],"data_offsets":[0,16]}}',
        b'{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,16]}}',
        b'{"a":{"dtype":"F99","shape":[4],"data_offsets":[0,16]}}',
        b'{"__metadata__":' + b"[" * 3000 + b"]" * 3000 + b"}",
        b'{"__metadata__":' + b'{"a":' * 3000 + b"1" + b"}" * 3001,
        b"",
        b"\xff\xfe",
    ],
    ids=range(11),
)
def test_hostile_headers_of_safetensors_are_one_error(tmp_path, header):
    path = write_header(tmp_path / "a.safetensors", header)
    with pytest.raises(ModelError, match="a.safetensors: no readable weights: "):
        read_state_dict(path)


def test_the_header_of_safetensors_has_a_limit(tmp_path, monkeypatch):
    weights = write_model(tmp_path)
    monkeypatch.setattr(safetensors_file, "LARGEST_HEADER", 100)
    with pytest.raises(ModelError, match=r"refused, its header is \d+ bytes \(at most 100\)"):
        read_state_dict(weights)
