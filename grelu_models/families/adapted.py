"""Models of other packages that are converted to ours by an adapter (`files.adapters`)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from grelu_models.families.citations import cite
from grelu_models.families.family import Family, Options, Statement
from grelu_models.families.loading import build_with_weights
from grelu_models.files.adapters import ADAPTERS
from grelu_models.files.weights_file import WeightsFile

if TYPE_CHECKING:
    from torch import nn

__all__ = ["FAMILIES"]


def _state(name: str, file: WeightsFile, options: Options) -> Statement:
    adapter = ADAPTERS[name]
    described = adapter.describe(options)
    return Statement(
        adapter.window,
        adapter.activation,
        count=described["n_tasks"],
        citation=cite(described),
    )


def _load(name: str, file: WeightsFile, options: Options) -> nn.Module:
    from grelu_models.models.build import build_model

    adapter = ADAPTERS[name]
    build = partial(build_model, adapter.describe(options))
    state = adapter.convert(file.state_dict(), options)
    return build_with_weights(build, state, source=file.path)


FAMILIES = tuple(Family(name, partial(_state, name), partial(_load, name)) for name in ADAPTERS)
