"""ChromBPNet: an accessibility model and a model of the enzyme's bias, or one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grelu_models.errors import ModelError
from grelu_models.families.bpnet import (
    LIMITS,
    TRIMMING,
    Placed,
    choose,
    find,
    make_statement,
    place,
    read_readout,
)
from grelu_models.families.bpnet_graph import Graph
from grelu_models.families.bpnet_layouts import Part
from grelu_models.families.citations import CHROMBPNET
from grelu_models.families.family import Family, Options, Statement
from grelu_models.files.weights_file import WeightsFile

if TYPE_CHECKING:
    from torch import nn

__all__ = ["FAMILY"]

PARTS: dict[str, tuple[Part, ...]] = {
    "whole": ("accessibility", "bias"),
    "accessibility": ("accessibility",),
    "bias": ("bias",),
}
"""Option `part` -> the models that it needs; the first determines the outputs."""

DESCRIPTIONS = {
    "whole": "ChromBPNet, with bias",
    "accessibility": "ChromBPNet, accessibility without bias",
    "bias": "ChromBPNet, bias",
}


def _place(file: WeightsFile, options: Options) -> tuple[dict[Part, Placed], Graph]:
    """The models of the chosen part, in the order of `PARTS`."""
    models, graph = find(file, "bias")
    if "model" in models:
        raise ModelError(
            f"{file.path}: the weights are those of a single BPNet: "
            "set model.architecture.model_type to BPNet"
        )
    needed = PARTS[options.get("part", "whole")]
    lacking = [part for part in needed if part not in models]
    if lacking:
        present = next(iter(models))
        raise ModelError(
            f"{file.path}: the weights have no {lacking[0]} model: set model.architecture.part to "
            f"{present}, or give the weights of the whole ChromBPNet"
        )
    own, trimming = options.get("bias_trimming"), options.get("trimming")
    if own is not None and ("accessibility" not in models or models["bias"].keras):
        raise ModelError(
            f"{file.path}: model.architecture: bias_trimming is only for weights of bpnet-lite "
            "with both models: leave it out"
        )
    # All parts give the positions of the accessibility model, so that their tracks compare.
    first: Part = "accessibility" if "accessibility" in models else "bias"
    crop = graph.crops.get(first, 0)
    placed = {first: place(file.path, models[first], options, trimming=trimming, crop=crop)}
    if first != "bias" and "bias" in needed:
        trim = placed[first].trim
        placed["bias"] = place(file.path, models["bias"], options, trimming=own, trim=trim)
        _check_outputs(file, placed)
    return {part: placed[part] for part in needed}, graph


def _check_outputs(file: WeightsFile, placed: dict[Part, Placed]) -> None:
    outputs = [placed[part].sizes.outputs for part in PARTS["whole"]]
    if outputs[0] != outputs[1]:
        raise ModelError(
            f"{file.path}: its accessibility model has {outputs[0]} outputs, its bias model "
            f"{outputs[1]}: check model.weights"
        )


def _state(file: WeightsFile, options: Options) -> Statement:
    read_readout(options)
    placed, graph = _place(file, options)
    return make_statement(
        next(iter(placed.values())),
        options,
        window=graph.window,
        what=DESCRIPTIONS[options.get("part", "whole")],
        citation=CHROMBPNET,
    )


def _load(file: WeightsFile, options: Options) -> nn.Module:
    from grelu_models.families.bpnet_weights import convert_tensors
    from grelu_models.families.loading import build_with_weights
    from grelu_models.models.chrombpnet import ChromBPNet

    placed, _ = _place(file, options)
    readout = read_readout(options)
    stored = file.state_dict()
    states = {
        part: convert_tensors(
            stored, model.stored, model.sizes, activate_first=model.activate_first
        )
        for part, model in placed.items()
    }
    if len(placed) == 1:
        ((part, model),) = placed.items()
        return build_with_weights(lambda: model.build(**readout), states[part], source=file.path)

    def build() -> ChromBPNet:
        return ChromBPNet(
            accessibility=placed["accessibility"].build(),
            bias=placed["bias"].build(),
            **readout,
        )

    state = {f"{part}.{key}": value for part in states for key, value in states[part].items()}
    return build_with_weights(build, state, source=file.path)


OPTIONS = {"part": choose(*PARTS), **LIMITS, "bias_trimming": TRIMMING}

FAMILY = Family("ChromBPNet", _state, _load, OPTIONS)
