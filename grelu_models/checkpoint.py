"""Files -> model and card, safely: nothing that a file contains is ever executed.

Weights are read by safetensors or `torch.load(weights_only=True)`. The architecture, the tracks
and the training are described by a gReLU checkpoint itself, by a small YAML or JSON file of the
same stem beside the weights, or by the caller.
"""

import inspect
from pathlib import Path

import torch

from grelu_models.card import (
    ACTIVATIONS,
    Geometry,
    ModelCard,
    digest_weights,
    measure_flanks,
    measure_geometry,
    measure_receptive_field,
)
from grelu_models.errors import ModelError
from grelu_models.files.adapters import ADAPTERS
from grelu_models.files.description import describe, find_weights, pair_strands
from grelu_models.files.metadata import name_tracks
from grelu_models.files.weights import load_weights, read_state_dict
from grelu_models.models import ARCHITECTURES, BaseModel

__all__ = ["build_model", "load", "load_unmeasured", "load_weights", "read_state_dict"]


def load(
    source: str | Path,
    *,
    architecture: dict | None = None,
    window: int | None = None,
    activation: str | None = None,
    tracks: list[dict] | None = None,
    sha256: str | None = None,
) -> tuple[BaseModel, ModelCard]:
    """Load a model, in eval mode on the CPU, and its card.

    Parameters
    ----------
    source : path or str
        `.safetensors`, a torch file with a plain state dict, or a gReLU checkpoint; or a file of
        a hub, `repo@revision:file`.
    architecture : dict, optional
        `model_type` and constructor arguments, or those of an adapter (`adapters.ADAPTERS`);
        otherwise from the metadata.
    window : int, optional
        Base pairs a forward pass reads; otherwise from the metadata.
    activation : str, optional
        Overrides the metadata: a key of `card.ACTIVATIONS`, or "logits" for none.
    tracks : list of dict, optional
        Overrides the metadata: `name` and any further columns of each track.
    sha256 : str, optional
        Hex digest that the file must have.

    Raises
    ------
    ModelError
        If a file is missing or broken, or the parts do not fit each other.
    """
    path = find_weights(source, sha256=sha256)
    metadata = describe(path, architecture=architecture)
    trained = metadata.get("window")
    window = window or trained
    if not isinstance(window, int) or window < 1:
        raise ModelError(f"{path}: the window is not known: give model.window in base pairs")
    activation = _choose_activation(path, metadata, activation)
    model = _load_described(path, metadata)
    geometry = measure_geometry(model, window)
    _check_bin(path, metadata, geometry)
    named = name_tracks(path, {"tracks": tracks} if tracks else metadata, geometry.tracks)
    card = ModelCard(
        source=str(source),
        architecture=metadata["architecture"],
        geometry=geometry,
        receptive_field=measure_receptive_field(model, window),
        flanks=measure_flanks(model, window),
        activation=activation,
        tracks=named,
        strand_partners=pair_strands(path, named),
        digest=_digest(model, metadata, activation),
        train=metadata.get("train") or {},
        intervals=metadata.get("intervals") or {},
        notes=_compare_windows(window, trained),
    )
    return model, card


def load_unmeasured(
    source: str | Path, *, architecture: dict | None = None, activation: str | None = None
) -> tuple[BaseModel, str]:
    """Load a model as `load` does, but for its card.

    To measure a model, torch imports 800 modules more (2 s, 70 MB): a job that has the card's
    numbers already does without.

    Returns
    -------
    BaseModel
        In eval mode, on the CPU.
    str
        The card's digest.
    """
    path = find_weights(source)
    metadata = describe(path, architecture=architecture)
    model = _load_described(path, metadata)
    return model, _digest(model, metadata, _choose_activation(path, metadata, activation))


def _choose_activation(path: Path, metadata: dict, asked: str | None) -> str | None:
    activation = metadata.get("activation") if asked is None else asked
    activation = None if activation == "logits" else activation
    if activation not in ACTIVATIONS:
        known = ", ".join(str(name) for name in ACTIVATIONS if name)
        raise ModelError(f"{path}: unknown activation {activation!r}: use logits, {known}")
    return activation


def _load_described(path: Path, metadata: dict) -> BaseModel:
    state = read_state_dict(path)
    kind, options = _split(metadata["architecture"])
    if kind in ADAPTERS:
        state = ADAPTERS[kind].convert(state, options)
    with torch.device("meta"):  # no random weights, which would only be overwritten
        model = build_model(metadata["built"])
    load_weights(model, state, source=str(path))
    return model.eval()


def _digest(model: BaseModel, metadata: dict, activation: str | None) -> str:
    described = sorted(metadata["architecture"].items())
    return digest_weights(model.state_dict(), described, activation)


def _split(architecture: dict) -> tuple[str | None, dict]:
    return architecture.get("model_type"), {
        key: value for key, value in architecture.items() if key != "model_type"
    }


def _check_bin(path: Path, metadata: dict, geometry: Geometry) -> None:
    """Compare the bin that training wrote down with the model's; one value a window has none."""
    stated = metadata.get("bin_size")
    if stated and geometry.bin and geometry.length > 1 and stated != geometry.bin:
        raise ModelError(
            f"{path}: the checkpoint says bins of {stated} bp, the model has {geometry.bin}"
        )


def _compare_windows(window: int, trained: int | None) -> list[str]:
    if trained in (None, window):
        return []
    return [
        f"windows of {window} bp are read by a model that was trained on {trained} bp: "
        "its values may differ from those of its training"
    ]


def build_model(architecture: dict) -> BaseModel:
    """Build a model, with random weights, from `model_type` and constructor arguments.

    Published weights are not fetched: a checkpoint brings its own.

    Raises
    ------
    ModelError
        For an unknown type or argument, which is named.
    """
    kind, arguments = _split(architecture)
    if kind not in ARCHITECTURES:
        known = ", ".join([*ARCHITECTURES, *ADAPTERS])
        raise ModelError(f"unknown model_type {kind!r}: use one of {known}")
    model_class = ARCHITECTURES[kind]
    known = inspect.signature(model_class).parameters
    strange = [name for name in arguments if name not in known]
    if strange:
        raise ModelError(f"{kind} has no argument {strange[0]!r}: it takes {', '.join(known)}")
    if "weights" in known:
        arguments["weights"] = False
    for name in ("dtype", "device"):  # of the machine that trained it
        arguments.pop(name, None)
    try:
        return model_class(**arguments)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"{kind} cannot be built from these arguments: {error}") from error
