"""The models of bpnet_references.json, with filled weights, as files of their programs."""

import json
from pathlib import Path

import torch
from torch import Tensor

from bpnet_files import make_config, write_keras, write_torch
from cases import fill_weights
from grelu_models.families.bpnet_layouts import find_models, measure_sizes

REFERENCES = json.loads((Path(__file__).parent / "grelu_models/bpnet_references.json").read_text())
CROPS = {
    "chrombpnet": {
        "logits_profile_predictions_preflatten": "bias",
        "wo_bias_bpnet_logitt_before_flatten": "accessibility",
    },
    "basepairmodels": {"main_profile_head_cropped": "model"},
}
"""Program -> layers that crop the profile, and their part."""


def make_state(case: str) -> dict[str, Tensor]:
    """Tensors by their names in the file of the program."""
    state = {name: torch.zeros(shape) for name, shape in REFERENCES[case]["state"].items()}
    fill_weights(state)
    return state


def make_crops(case: str) -> dict[str, int]:
    """Layer -> positions that a Keras graph crops, so that all parts have the same output."""
    reference = REFERENCES[case]
    shapes = {name: tuple(shape) for name, shape in reference["state"].items()}
    models = find_models(Path("x.h5"), shapes)
    sizes = {part: measure_sizes(Path("x.h5"), stored) for part, stored in models.items()}
    layers = CROPS[reference["program"]].items()
    return {layer: reference["trim"] - sizes[part].reach for layer, part in layers}


def save(folder: Path, case: str, suffix: str = "pt", **config) -> Path:
    """Write the weights of a case as its program does."""
    state = make_state(case)
    if REFERENCES[case]["program"] == "bpnet-lite":
        return write_torch(folder / f"model.{suffix}", state)
    config = {"window": REFERENCES[case]["length"], "crops": make_crops(case), **config}
    return write_keras(folder / "model.h5", state, make_config(state, **config))
