"""What the Keras config of a BPNet says beyond its weights: window, crop, padding. Needs no torch.

Layers that hold code, such as a Lambda, are passed over: the families know what they compute.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grelu_models.errors import ModelError
from grelu_models.families.bpnet_layouts import Part
from grelu_models.files.architecture import LONGEST_WINDOW
from grelu_models.files.keras.layers import list_layers
from grelu_models.files.limits import show

__all__ = ["Graph", "read_graph"]

DILATED = re.compile(r"(?:wo_bias_)?bpnet_(\d{1,3})conv|main_dil_conv_(\d{1,3})")
WITHIN = re.compile(r".*bpnet_\d+crop|.*_cr")
"""Crops of the input of a residual convolution."""


@dataclass(frozen=True)
class Graph:
    """What the config of a Keras file says; nothing, if it has none.

    Attributes
    ----------
    window : int or None
        Base pairs of the input.
    crops : dict
        Part of the model -> positions of its profile that are cropped at each end.
    """

    window: int | None = None
    crops: dict[Part, int] = field(default_factory=dict)


def read_graph(path: Path, config: object, lone: Part) -> Graph:
    """Read the config of a Keras file.

    Parameters
    ----------
    path : Path
        For error messages.
    config : object
        As parsed from JSON; None if the file has none.
    lone : str
        The part whose layers have no prefix.

    Raises
    ------
    ModelError
        If a layer has no name of its own, or is not as chrombpnet and basepairmodels build it by
        default, so that its weights would be used wrongly.
    """
    window, crops = None, {}
    for layer in list_layers(path, config):
        kind, name, options = layer.kind, layer.name, layer.options
        if kind == "InputLayer" and name == "sequence":
            window = window or _read_window(options)
        elif kind == "Conv1D":
            _check_convolution(path, name, options)
        elif kind == "Cropping1D" and name.endswith("_relu_cr"):
            raise ModelError(
                f"{path}: its layer {name} shows residual units that add the activated input: "
                "only pre_activation_residual_unit: true of basepairmodels is supported"
            )
        elif kind == "Cropping1D" and not WITHIN.fullmatch(name):
            part: Part = "accessibility" if name.startswith("wo_bias_") else lone
            crops[part] = _read_crop(path, name, options)
    return Graph(window, crops)


def _read_window(options: dict[str, Any]) -> int | None:
    shape = options.get("batch_input_shape") or options.get("batch_shape")
    window = shape[1] if isinstance(shape, list) and len(shape) == 3 else None
    known = type(window) is int and 0 < window <= LONGEST_WINDOW
    return window if known else None


def _check_convolution(path: Path, name: str, options: dict[str, Any]) -> None:
    number = DILATED.fullmatch(name)
    dilation = 2 ** int(number[1] or number[2]) if number else 1
    wanted = {"padding": "valid", "strides": 1, "dilation_rate": dilation}
    for key, value in wanted.items():
        stated = options.get(key, value)
        if stated not in (value, [value]):
            raise ModelError(
                f"{path}: its layer {name} has {key} {show(stated)}, where BPNet has {value}: "
                "weights and config do not belong together, or it is another model"
            )


def _read_crop(path: Path, name: str, options: dict[str, Any]) -> int:
    cropping = options.get("cropping")
    sides = cropping if isinstance(cropping, list) and len(cropping) == 2 else [None, None]
    left, right = sides
    if type(left) is not int or left != right or not 0 <= left <= LONGEST_WINDOW:
        raise ModelError(
            f"{path}: its layer {name} crops {show(cropping)}: only equal crops at both ends are "
            "supported"
        )
    return left
