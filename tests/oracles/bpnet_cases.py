"""Small BPNets and ChromBPNets, and how their own programs evaluate them."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from bpnet_peers import (
    evaluate_keras,
    evaluate_lite,
    make_basepairmodels,
    make_chrombpnet,
    make_chrombpnet_part,
    make_lite,
)
from cases import fill_weights

STRANDED = {"n_filters": 8, "n_layers": 3, "n_outputs": 2, "n_control_tracks": 0}
UNSTRANDED = {**STRANDED, "n_outputs": 1}
ACCESSIBILITY, BIAS = {**UNSTRANDED, "n_layers": 4}, {**UNSTRANDED, "n_filters": 6, "n_layers": 2}
BASEPAIR = {"filters": 8, "layers": 3, "window": 333, "positions": 151}


class Case(NamedTuple):
    """A model of another program, and our options for its weights.

    Attributes
    ----------
    program : str
    config : dict
        Of the model; `kind` is a class of bpnet-lite.
    length : int
        Bases to evaluate.
    options : dict
        `model_type` and options.
    part : str
        The part of a ChromBPNet that is evaluated alone, or "".
    """

    program: str
    config: dict[str, Any]
    length: int
    options: dict[str, Any]
    part: str = ""


def _lite(length: int, config: dict[str, Any], kind: str = "BPNet", **options) -> Case:
    family = "ChromBPNet" if kind == "ChromBPNet" else "BPNet"
    part = options.get("part", "")
    return Case(
        "bpnet-lite", {"kind": kind, **config}, length, {"model_type": family, **options}, part
    )


def _keras(program: str, config: dict[str, Any], **options) -> Case:
    part = options.get("part", "")
    return Case(program, config, config["window"], options, part)


WHOLE = {**ACCESSIBILITY, "bias": BIAS}
OFFICIAL = {"filters": 8, "layers": 3, "bias": (6, 2), "window": 400, "positions": 200}

CASES: dict[str, Case] = {
    "BPNet": _lite(300, STRANDED),
    "BPNet, unstranded": _lite(300, UNSTRANDED),
    "BPNet, four outputs": _lite(300, {**STRANDED, "n_outputs": 4}),
    "BPNet, control tracks": _lite(300, {**STRANDED, "n_control_tracks": 2}),
    "BPNet, no biases": _lite(
        300,
        {**STRANDED, "profile_output_bias": False, "count_output_bias": False},
    ),
    "BPNet, padded": _lite(300, {**STRANDED, "trimming": 40}, trimming=40),
    "BPNet, not trimmed": _lite(300, {**STRANDED, "trimming": 0}, trimming=0),
    "BPNet, trimmed further": _lite(300, {**STRANDED, "trimming": 90}, trimming=90),
    "BasePairNet": _lite(
        300,
        {**STRANDED, "n_control_tracks": 2, "trimming": 61},
        "BasePairNet",
        variant="BasePairNet",
    ),
    "ChromBPNet": _lite(400, WHOLE, "ChromBPNet"),
    "ChromBPNet, accessibility": _lite(400, WHOLE, "ChromBPNet", part="accessibility"),
    "ChromBPNet, bias of the same output": _lite(
        400,
        {**ACCESSIBILITY, "bias": {**BIAS, "trimming": 77}},
        "ChromBPNet",
        bias_trimming=77,
    ),
    "chrombpnet": _keras("chrombpnet", OFFICIAL, model_type="ChromBPNet"),
    "chrombpnet, accessibility": _keras(
        "chrombpnet", OFFICIAL, model_type="ChromBPNet", part="accessibility"
    ),
    "chrombpnet, bias": _keras("chrombpnet", OFFICIAL, model_type="ChromBPNet", part="bias"),
    "basepairmodels": _keras(
        "basepairmodels", {**BASEPAIR, "outputs": 2, "controls": 2}, model_type="BPNet"
    ),
    "basepairmodels, four control tracks": _keras(
        "basepairmodels", {**BASEPAIR, "outputs": 2, "controls": 4}, model_type="BPNet"
    ),
    "basepairmodels, no control track": _keras(
        "basepairmodels", {**BASEPAIR, "outputs": 1, "controls": 0}, model_type="BPNet"
    ),
}


class Made(NamedTuple):
    """A model with filled weights.

    Attributes
    ----------
    model : nn.Module
        The whole model, which its program saves.
    evaluated : nn.Module
        The model, or the part of it that is evaluated.
    state : dict
        Its tensors by their names in a file.
    """

    model: nn.Module
    evaluated: nn.Module
    state: dict[str, Tensor]


def make(case: Case) -> Made:
    """Build the model of a case."""
    config = dict(case.config)
    if case.program == "bpnet-lite":
        model = make_lite(**config)
        fill_weights(model.state_dict())
        evaluated = getattr(model, case.part) if case.part else model
        return Made(model, evaluated, model.state_dict())
    if case.program == "basepairmodels":
        model = make_basepairmodels(**config)
        return Made(model, model, _fill_layers({"": model}))
    size = {"window": config["window"], "positions": config["positions"]}
    filters, layers = config["bias"]
    bias = make_chrombpnet_part(filters=filters, layers=layers, **size)
    accessibility = make_chrombpnet_part(
        filters=config["filters"], layers=config["layers"], prefix="wo_bias_bpnet_", **size
    )
    whole = make_chrombpnet(bias, accessibility, config["window"])
    state = _fill_layers({f"{part.name}/": part for part in (bias, accessibility)})
    part = {"bias": bias, "accessibility": accessibility}.get(case.part, whole)
    return Made(whole, part, state)


def evaluate(case: Case, made: Made, bases: Tensor) -> tuple[Tensor, Tensor]:
    """Predict logits (N, outputs, positions) and log counts (N, 1) by the program itself."""
    lite = case.program == "bpnet-lite"
    return (evaluate_lite if lite else evaluate_keras)(made.evaluated, bases)


def make_signal(logits: Tensor, log_counts: Tensor) -> Tensor:
    """The profile times the counts, as chrombpnet writes it to a bigWig, over all outputs."""
    weights = torch.exp(logits - logits.amax((1, 2), keepdim=True))
    return weights / weights.sum((1, 2), keepdim=True) * torch.exp(log_counts)[..., None]


def _fill_layers(models: dict[str, nn.Module]) -> dict[str, Tensor]:
    """Fill the layers of Keras models, each with a prefix of its names; return them by name."""
    variables = {
        f"{prefix}{layer.name}/{variable.name}": variable
        for prefix, model in models.items()
        for layer in model.layers
        for variable in layer.variables
    }
    state = {name: torch.zeros(tuple(v.shape)) for name, v in variables.items()}
    fill_weights(state)
    for name, variable in variables.items():
        variable.assign(state[name])
    return state
