"""Keras models: the layers that their file describes, with no code of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grelu_models.errors import ModelError
from grelu_models.families.bpnet_layouts import find_models
from grelu_models.families.family import Family, Options, Statement
from grelu_models.files.keras.graph import Graph, read_graph
from grelu_models.files.keras_file import KerasFile
from grelu_models.files.weights_file import WeightsFile

if TYPE_CHECKING:
    from torch import nn

__all__ = ["FAMILY"]


def _read(file: WeightsFile, options: Options) -> Graph:
    if not isinstance(file, KerasFile):
        raise ModelError(
            f"{file.path}: not a Keras model: model_type Keras needs a .h5 or .keras file"
        )
    try:
        return _read_graph(file, options)
    except ModelError as error:
        family = _recognise(file)
        if family is None:
            raise
        raise ModelError(
            f"{error}; its weights have the names of a {family}: set model.architecture to "
            f"model_type: {family}"
        ) from error


def _read_graph(file: KerasFile, options: Options) -> Graph:
    if file.config is None:
        raise ModelError(
            f"{file.path}: a file of weights alone, without the config of the model: save the "
            "whole model with model.save, or give the model_type of a family"
        )
    return read_graph(file.path, file.config, version=file.version, output=options.get("output"))


def _recognise(file: KerasFile) -> str | None:
    """The family whose weights have the names of those in a file."""
    try:
        parts = find_models(file.path, file.shapes())
    except ModelError:
        return None
    return "BPNet" if len(parts) == 1 else "ChromBPNet"


def _state(file: WeightsFile, options: Options) -> Statement:
    graph = _read(file, options)
    return Statement(window=graph.window, activation=None, count=graph.channels)


def _load(file: WeightsFile, options: Options) -> nn.Module:
    import torch

    from grelu_models.files.weights import load_weights
    from grelu_models.models.keras import KerasModel

    graph = _read(file, options)
    with torch.device("meta"):
        model = KerasModel(graph)
    source = str(file.path)
    load_weights(model, model.convert(file.state_dict(), source=source), source=source)
    return model.eval()


def _is_output(value: object) -> bool:
    return isinstance(value, str) or (type(value) is int and 0 <= value < 10_000)


FAMILY = Family(
    "Keras",
    _state,
    _load,
    {"output": ("the name or number of one of its outputs", _is_output)},
)
