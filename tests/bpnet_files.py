"""Weights files of BPNets, as bpnet-lite, chrombpnet and basepairmodels write them."""

import re
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from grelu_models.description import Description, describe
from grelu_models.files.weights_file import open_weights
from keras_files import Weights, layer, model, write_h5

CODE = ["4wEAAAAAAAAAAAAAAAEAAAAD", None, None]
"""In place of the code of a Lambda layer."""


def write_keras(path: Path, state: dict[str, Tensor], config: dict[str, Any] | None = None) -> Path:
    """Write a `.h5` file of Keras 2.

    Parameters
    ----------
    path : Path
    state : dict
        `layer/variable`, or `model/layer/variable` in a nested model, in Keras' order of axes.
    config : dict, optional
        Default is None: a file of weights alone.
    """
    weights: Weights = {"sequence": {}}
    for name, tensor in state.items():
        top, _, rest = name.partition("/")
        stored = f"{rest}:0" if "/" in rest else f"{name}:0"
        weights.setdefault(top, {})[stored] = tensor.numpy()
    return write_h5(path, config, weights, group="" if config is None else "model_weights")


def write_torch(path: Path, state: dict[str, Tensor]) -> Path:
    """Write a state dict by torch, or by safetensors after the suffix."""
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)
    return path


def make_config(
    state: dict[str, Tensor], *, window: int, crops: dict[str, int | tuple[int, int]], **changed
) -> dict[str, Any]:
    """Make the config of Keras 2 of a file with a Lambda layer.

    Parameters
    ----------
    state : dict
        See `write_keras`. Its layers become Conv1D, with the dilation that their names tell.
    window : int
    crops : dict
        Name of a Cropping1D layer -> positions at both ends, or at each.
    **changed
        Options of all convolutions that are changed.
    """
    layers = [layer("InputLayer", "sequence", batch_input_shape=[None, window, 4])]
    nested: dict[str, list[dict[str, Any]]] = {}
    for name, tensor in state.items():
        *path, own, variable = name.split("/")
        if variable == "kernel" and tensor.ndim == 3:
            number = re.search(r"bpnet_(\d+)conv|main_dil_conv_(\d+)", own)
            dilation = 2 ** int(number[1] or number[2]) if number else 1
            options = {"padding": "valid", "strides": [1], "dilation_rate": [dilation], **changed}
            conv = layer("Conv1D", own, **options)
            (nested.setdefault(path[0], []) if path else layers).append(conv)
    for name, crop in crops.items():
        sides = [crop, crop] if isinstance(crop, int) else list(crop)
        layers.append(layer("Cropping1D", name, cropping=sides))
    models = [layer("Functional", name, layers=inner) for name, inner in nested.items()]
    return model(*layers, *models, layer("Lambda", "logcount_predictions", function=CODE))


def read(path: Path, **architecture) -> tuple[torch.nn.Module, Description]:
    """Load a model without measuring it, with its description."""
    file = open_weights(path)
    described = describe(file, architecture=architecture)
    return described.family.load(file, described.options), described
