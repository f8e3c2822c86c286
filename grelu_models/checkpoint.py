"""Files -> model and card, safely: nothing that a file contains is ever executed.

Weights are read by safetensors or `torch.load(weights_only=True)`. The architecture, the tracks
and the training are described by a small YAML or JSON file of the same stem beside the weights,
or by the caller.
"""

import inspect
import pickle
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from grelu_models.card import ACTIVATIONS, ModelCard, digest_weights, measure_geometry
from grelu_models.errors import ModelError
from grelu_models.metadata import find_architecture, name_tracks, read_metadata
from grelu_models.models import ARCHITECTURES, BaseModel

__all__ = ["build_model", "load", "load_weights", "read_state_dict"]


def load(
    weights: str | Path,
    *,
    architecture: dict | None = None,
    window: int | None = None,
    activation: str | None = None,
) -> tuple[BaseModel, ModelCard]:
    """Load a model, in eval mode on the CPU, and its card.

    Parameters
    ----------
    weights : path
        `.safetensors`, or a torch file with a plain state dict.
    architecture : dict, optional
        `model_type` and constructor arguments; otherwise from the metadata file.
    window : int, optional
        Base pairs a forward pass reads; otherwise from the metadata file.
    activation : str, optional
        Overrides the metadata: a key of `card.ACTIVATIONS`, or "logits" for none.

    Raises
    ------
    ModelError
        If a file is missing or broken, or the parts do not fit each other.
    """
    path = Path(weights)
    metadata = read_metadata(path)
    architecture = find_architecture(path, metadata, architecture)
    window = window or metadata.get("window")
    if not isinstance(window, int) or window < 1:
        raise ModelError(f"{path}: the window is not known: give model.window in base pairs")
    activation = metadata.get("activation") if activation is None else activation
    activation = None if activation == "logits" else activation
    if activation not in ACTIVATIONS:
        known = ", ".join(str(name) for name in ACTIVATIONS if name)
        raise ModelError(f"{path}: unknown activation {activation!r}: use logits, {known}")
    model = build_model(architecture)
    state = read_state_dict(path)
    load_weights(model, state, source=str(path))
    geometry = measure_geometry(model, window)
    card = ModelCard(
        source=str(path),
        architecture=dict(architecture),
        geometry=geometry,
        activation=activation,
        tracks=name_tracks(path, metadata, geometry.tracks),
        digest=digest_weights(state, sorted(architecture.items()), activation),
        train=metadata.get("train") or {},
    )
    return model.eval(), card


def build_model(architecture: dict) -> BaseModel:
    """Build a model, with random weights, from `model_type` and constructor arguments.

    Raises
    ------
    ModelError
        For an unknown type or argument, which is named.
    """
    arguments = dict(architecture)
    kind = arguments.pop("model_type", None)
    if kind not in ARCHITECTURES:
        raise ModelError(f"unknown model_type {kind!r}: use one of {', '.join(ARCHITECTURES)}")
    model_class = ARCHITECTURES[kind]
    known = inspect.signature(model_class).parameters
    strange = [name for name in arguments if name not in known]
    if strange:
        raise ModelError(f"{kind} has no argument {strange[0]!r}: it takes {', '.join(known)}")
    try:
        return model_class(**arguments)
    except (TypeError, RuntimeError) as error:
        raise ModelError(f"{kind} cannot be built from these arguments: {error}") from error


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read named tensors from a `.safetensors` or torch file, executing nothing.

    Raises
    ------
    ModelError
        If the file is missing, broken, holds something else than named tensors, or its pickle
        asks for anything that could run code.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such weights file: check model.weights")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"{path}: refused, not plain tensors: {reason}") from None
    except (SafetensorError, RuntimeError, EOFError, OSError) as error:
        raise ModelError(f"{path}: no readable weights: {error}") from error
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise ModelError(
            f"{path}: not a plain state dict (named tensors): save model.state_dict() of it"
        )
    return state


def load_weights(model: BaseModel, state: dict[str, Tensor], *, source: str) -> None:
    """Copy a state dict into a model, strictly: every tensor by name and shape.

    Raises
    ------
    ModelError
        Naming the tensors that are missing, not expected, or of another shape.
    """
    wanted = model.state_dict()
    wrong = [f"{name} is missing" for name in wanted if name not in state]
    wrong += [f"{name} is not part of the model" for name in state if name not in wanted]
    wrong += [
        f"{name} is {tuple(state[name].shape)} where the model has {tuple(wanted[name].shape)}"
        for name in wanted
        if name in state and state[name].shape != wanted[name].shape
    ]
    if wrong:
        shown = "; ".join(wrong[:5]) + (f"; and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        raise ModelError(f"{source}: the weights do not fit the architecture: {shown}")
    model.load_state_dict(state)
