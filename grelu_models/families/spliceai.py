"""SpliceAI: Keras files such as the five that are published, and state dicts of OpenSpliceAI."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any

from grelu_models.errors import ModelError
from grelu_models.families.citations import SPLICEAI
from grelu_models.families.family import Family, Options, Statement
from grelu_models.families.loading import build_with_weights
from grelu_models.families.spliceai_graph import WrongGraph, map_layers
from grelu_models.files.keras_file import KerasFile
from grelu_models.files.metadata import Track
from grelu_models.files.weights_file import WeightsFile

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["FAMILY", "TRACKS", "find_context"]

CONTEXTS = (80, 400, 2000, 10_000)
"""Base pairs of context of one to four stages of residual units."""

PREDICTED = 5000
"""Base pairs that a window of the training predicts."""

NORMS = 8
"""Batch norms of a stage."""

VARIABLES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
"""Variable of a Keras layer -> tensor of a torch module."""

LICENCE = (
    "GPLv3 by the metadata of the wheel spliceai; CC BY-NC 4.0 for the models by their authors' "
    "repository"
)
"""Of the published files, in the words of both places that state one."""

SIZE = 3_131_720
"""Bytes of a published file."""

DIGESTS = {
    "e1fd5adcef7489d604b10e79c40078ef790d51ef048c4ce3869c9119ac5de42b",
    "6ab042b82ab966b6d3582cb31b96f0859ea08a864f168d69e83aa14450a3b66e",
    "e2e790bde53dfdf410c6dc434a86122a7d12f3f38dc2ef45d85986e9ecf22fad",
    "ca88ac9e58e69ba6fdeed319b72f063f164c9abf7392eaccef903e94c1d99dd6",
    "791cd22c62a80a08d2ca674615a93ce8159d7b55bd157cfef2983b1bd6b41391",
}
"""SHA-256 of the five published files."""

REFUSAL = (
    "each track of SpliceAI belongs to one strand, and those of the minus strand are already "
    "predicted from the reverse complement"
)

TRACKS: list[Track] = [
    {
        "name": f"{site}{strand}",
        "description": f"probability that a base is a splice {site} of the {strand} strand",
        "site": site,
        "strand": strand,
        "strand_pair": partner,
    }
    for strand, site, partner in (
        ("+", "acceptor", 2),
        ("+", "donor", 3),
        ("-", "acceptor", 0),
        ("-", "donor", 1),
    )
]
"""The channels of `models.spliceai.SpliceAI`."""


def _state(file: WeightsFile, options: Options) -> Statement:
    return Statement(
        window=PREDICTED + find_context(file),
        activation=None,
        tracks=TRACKS,
        refusal=REFUSAL,
        scale="probability",
        longer_windows=True,
        licence=LICENCE if _is_published(file) else None,
        citation=SPLICEAI,
    )


def _is_published(file: WeightsFile) -> bool:
    """Whether a file is one of the five of the wheel `spliceai`."""
    if file.path.stat().st_size != SIZE:
        return False
    with file.path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() in DIGESTS


def find_context(file: WeightsFile) -> int:
    """Base pairs of context, by the number of batch norms."""
    norms = sum(name.endswith((".running_var", "/moving_variance")) for name in file.shapes())
    stages, rest = divmod(norms, NORMS)
    if rest or not 1 <= stages <= len(CONTEXTS):
        raise ModelError(
            f"{file.path}: these weights have {norms} batch norms, where SpliceAI has 8, 16, 24 or "
            "32 (80, 400, 2,000 or 10,000 bp of context): check model.architecture.model_type"
        )
    return CONTEXTS[stages - 1]


def _load(file: WeightsFile, options: Options) -> nn.Module:
    from grelu_models.models.spliceai import SpliceAI

    context = find_context(file)
    state, trained = (
        _read_keras(file, context) if isinstance(file, KerasFile) else _read_torch(file)
    )
    first = state.get("initial_conv.weight")
    if first is None or first.dim() != 3:
        raise ModelError(
            f"{file.path}: neither a Keras file of SpliceAI nor a state dict of OpenSpliceAI, "
            "which has initial_conv.weight: check model.architecture.model_type"
        )
    counters = {
        name.replace("running_var", "num_batches_tracked"): tensor.new_zeros(()).long()
        for name, tensor in state.items()
        if name.endswith(".running_var")
    }
    build = partial(SpliceAI, channels=len(first), context=context, **trained)
    return build_with_weights(build, counters | state, source=file.path)


def _read_keras(file: KerasFile, context: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a Keras file under our names, and further arguments of the model."""
    if file.config is None:
        raise ModelError(
            f"{file.path}: these are weights without the graph of their layers: save the whole "
            "model in Keras (model.save), and give that file"
        )
    try:
        modules, eps = map_layers(file.path, file.config, context)
    except WrongGraph as error:
        raise ModelError(
            f"{file.path}: {error}: use a model of SpliceAI's own program, or another model_type"
        ) from None
    state = {}
    for name, tensor in file.state_dict().items():
        layer, _, kind = name.rpartition("/")
        ours = f"{modules.get(layer, layer)}.{VARIABLES.get(kind, kind)}"
        state[ours] = tensor.permute(2, 1, 0) if kind == "kernel" and tensor.dim() == 3 else tensor
    return state, {"eps": eps}


def _read_torch(file: WeightsFile) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of OpenSpliceAI, also from `nn.DataParallel`, and further arguments."""
    state = {name.removeprefix("module."): each for name, each in file.state_dict().items()}
    return state, {"slope": 0.1, "eps": 1e-5}


FAMILY = Family("SpliceAI", state=_state, load=_load, limits={})
