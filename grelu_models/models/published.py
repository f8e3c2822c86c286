"""Published weights for a model's trunk, and for its head where it is kept."""

from pathlib import Path

from grelu_models.files.hub import get_artifact
from grelu_models.files.weights import load_weights, read_state_dict
from grelu_models.models.base import BaseModel

__all__ = ["load_published"]


def load_published(
    model: BaseModel, weights: str | Path | bool, repo: str, file: str, *, head: bool
) -> None:
    """Copy published weights into a model, strictly but for what the model leaves out.

    Parameters
    ----------
    model : BaseModel
        Changed in place. It may have fewer transformers than were published.
    weights : path or True
        The file of a state dict; True fetches `file` of the hub's `repo`.
    head : bool
        Whether to take the head's weights, too.

    Raises
    ------
    ModelError
        If the file cannot be had or read, or does not fit.
    """
    path = get_artifact(repo, file) if weights is True else Path(weights)
    state = read_state_dict(path)
    wanted = model.state_dict()
    if not head:
        kept = {name: tensor for name, tensor in wanted.items() if name.startswith("head.")}
        state = {k: v for k, v in state.items() if not k.startswith("head.")} | kept
    deeper = "embedding.transformer_tower.blocks."
    fitting = {k: v for k, v in state.items() if k in wanted or not k.startswith(deeper)}
    load_weights(model, fitting, source=str(path))
