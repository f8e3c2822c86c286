"""Building a model without memory, and filling it with the weights of a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["build_with_weights"]


def build_with_weights(
    build: Callable[[], nn.Module], state: Mapping[str, Tensor], *, source: Path
) -> nn.Module:
    """Return a model in eval mode with the given weights.

    It is built on the meta device, where random weights cost nothing, and gets memory when every
    tensor has its shape.

    Parameters
    ----------
    build : callable
        Builds the model.
    state : dict
        Tensors by name, exactly those of the model.
    source : Path
        The weights file, for error messages.

    Raises
    ------
    ModelError
        If the tensors do not fit the model, see `files.weights.load_weights`.
    """
    import torch

    from grelu_models.files.weights import load_weights

    with torch.device("meta"):
        model = build()
    load_weights(model, state, source=str(source))
    return model.eval()
