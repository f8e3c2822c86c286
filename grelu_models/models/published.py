"""Published weights of a model's trunk, and optionally of its head."""

from pathlib import Path
from typing import Literal

from grelu_models.files.hub import get_artifact
from grelu_models.files.weights import load_weights, read_state_dict
from grelu_models.models.base import BaseModel

__all__ = ["load_published"]


def load_published(
    model: BaseModel, weights: str | Path | Literal[True], repo: str, file: str, *, head: bool
) -> None:
    """Copy published weights into a model.

    All tensors of the model must be in the file. The file may have more transformer blocks than the
    model, but no other additional tensors.

    Parameters
    ----------
    model : BaseModel
        Changed in place.
    weights : path or True
        The file of a state dict. True fetches `file` from the repository `repo` on the hub.
    repo, file : str
    head : bool
        Whether to copy the weights of the head, too. Otherwise, the model keeps its own.

    Raises
    ------
    ModelError
        If the file is not available, not readable or does not fit the model.
    """
    path = get_artifact(repo, file) if weights is True else Path(weights)
    state = read_state_dict(path)
    wanted = model.state_dict()
    if not head:
        kept = {name: tensor for name, tensor in wanted.items() if name.startswith("head.")}
        state = {k: v for k, v in state.items() if not k.startswith("head.")} | kept
    transformers = "embedding.transformer_tower.blocks."
    fitting = {k: v for k, v in state.items() if k in wanted or not k.startswith(transformers)}
    load_weights(model, fitting, source=str(path))
