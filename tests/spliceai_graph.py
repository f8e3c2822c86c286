"""The graph of a Keras file of SpliceAI, computed layer by layer, without our module."""

import json
from pathlib import Path

import h5py
import torch
import torch.nn.functional as F
from torch import Tensor

from spliceai_files import list_sources


def evaluate_graph(path: Path, bases: Tensor) -> Tensor:
    """Compute the layers one by one, in the order of the config: (N, 3, L - context)."""
    with h5py.File(path) as file:
        config = json.loads(file.attrs["model_config"])["config"]
        stored = {
            name: torch.from_numpy(data[()]) for name, data in _list_data(file["model_weights"])
        }
    values: dict[str, Tensor] = {}
    for layer in config["layers"]:
        inputs = [values[source] for source in list_sources(layer)] or [bases]
        values[layer["name"]] = _compute(layer, inputs, stored)
    return values[config["output_layers"][0][0]]


def _list_data(group: h5py.Group) -> list[tuple[str, h5py.Dataset]]:
    found = []
    group.visititems(
        lambda name, data: found.append((name, data)) if isinstance(data, h5py.Dataset) else None
    )
    return found


def _compute(layer: dict, inputs: list[Tensor], stored: dict[str, Tensor]) -> Tensor:
    kind, options, name = layer["class_name"], layer["config"], layer["name"]

    def get(variable: str) -> Tensor:
        return stored[f"{name}/{name}/{variable}:0"]

    if kind == "Conv1D":
        weight = get("kernel").permute(2, 1, 0)
        out = F.conv1d(
            inputs[0],
            weight,
            get("bias"),
            dilation=options["dilation_rate"][0],
            padding=options["padding"],
        )
        return _activate(out, options["activation"])
    if kind == "BatchNormalization":
        norm = [get(each) for each in ("moving_mean", "moving_variance", "gamma", "beta")]
        return F.batch_norm(inputs[0], *norm, eps=options["epsilon"])
    if kind == "Activation":
        return _activate(inputs[0], options["activation"])
    if kind == "Add":
        return sum(inputs[1:], start=inputs[0])
    if kind == "Cropping1D":
        left, right = options["cropping"]
        return inputs[0][..., left : inputs[0].shape[-1] - right]
    assert kind == "InputLayer"
    return inputs[0]


def _activate(x: Tensor, name: str) -> Tensor:
    functions = {"linear": lambda x: x, "relu": F.relu, "softmax": lambda x: x.softmax(dim=1)}
    return functions[name](x)
