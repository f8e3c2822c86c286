"""The family of weights that do not describe themselves, by the names of their tensors."""

from __future__ import annotations

from grelu_models.errors import ModelError
from grelu_models.families.bpnet_layouts import find_models
from grelu_models.families.spliceai import find_context
from grelu_models.families.spliceai_graph import WrongGraph, map_layers
from grelu_models.files.keras_file import KerasFile
from grelu_models.files.weights_file import WeightsFile

__all__ = ["recognise_family"]

MARKS: dict[str, tuple[tuple[str, ...], ...]] = {
    "SpliceAI": (("initial_conv.weight",), ("initial_skip.conv.weight",)),
    "borzoi-pytorch": (("conv_dna.conv_layer.weight",), ("unet1.1.",)),
    "enformer-pytorch": (("_heads.",), ("stem.0.", "_trunk.1.0.")),
}
"""`model_type` -> beginnings of names, of which its weights have one of each group."""


def recognise_family(file: WeightsFile) -> str | None:
    """Return the `model_type` that weights belong to by their names; None if that is not clear.

    Raises
    ------
    ModelError
        If the file does not contain named tensors.
    """
    shapes = file.shapes()
    names = {name.removeprefix("module.") for name in shapes}
    for kind, marks in MARKS.items():
        if all(any(name.startswith(mark) for name in names) for mark in marks):
            return kind
    if isinstance(file, KerasFile) and _is_spliceai(file):
        return "SpliceAI"
    try:
        parts = find_models(file.path, shapes)
    except ModelError:
        return None
    return "BPNet" if len(parts) == 1 else "ChromBPNet"


def _is_spliceai(file: KerasFile) -> bool:
    try:
        context = find_context(file)
        if file.config is None:
            return False
        map_layers(file.path, file.config, context)
    except (ModelError, WrongGraph):
        return False
    return True
