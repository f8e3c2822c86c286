"""gReLU's model classes, with gReLU's constructor arguments as options."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from grelu_models.families.citations import cite
from grelu_models.families.family import Family, Options, Statement
from grelu_models.families.loading import build_with_weights
from grelu_models.files.published import PUBLISHED
from grelu_models.files.weights_file import WeightsFile

if TYPE_CHECKING:
    from torch import nn

__all__ = ["FAMILIES"]

NAMES = (
    "ConvModel",
    "DilatedConvModel",
    "ConvGRUModel",
    "ConvTransformerModel",
    "ConvMLPModel",
    "BorzoiModel",
    "BorzoiPretrainedModel",
    "ExplaiNNModel",
    "EnformerModel",
    "EnformerPretrainedModel",
)
"""Keys of `models.ARCHITECTURES`, which imports torch."""


def _state(name: str, file: WeightsFile, options: Options) -> Statement:
    count = options.get("n_tasks")
    citation = cite({**options, "model_type": name})
    if count is None and name in PUBLISHED:  # the published head
        published = PUBLISHED[name]
        window, activation = published.window, published.activation
        return Statement(window, activation, count=published.tracks, citation=citation)
    return Statement(count=count, citation=citation)


def _load(name: str, file: WeightsFile, options: Options) -> nn.Module:
    from grelu_models.models.build import build_model

    architecture = {"model_type": name, **options}
    if name in PUBLISHED:
        architecture.setdefault("n_tasks", None)
    build = partial(build_model, architecture)
    return build_with_weights(build, file.state_dict(), source=file.path)


FAMILIES = tuple(Family(name, partial(_state, name), partial(_load, name)) for name in NAMES)
