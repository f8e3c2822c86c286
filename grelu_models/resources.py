"""Files and models of the Hugging Face hub, by functions with gReLU's names."""

from typing import Any

from torch import nn

from grelu_models.card import ModelCard
from grelu_models.checkpoint import load
from grelu_models.files.hub import (
    Artifact,
    describe_repo,
    download_model,
    format_artifact,
    get_artifact,
    list_artifacts,
    parse_artifact,
)

__all__ = [
    "describe_repo",
    "download_model",
    "get_artifact",
    "list_artifacts",
    "load_model",
    "parse_artifact",
]


def load_model(
    repo_id: str,
    filename: str = "model.ckpt",
    revision: str | None = None,
    sha256: str | None = None,
    **settings: Any,
) -> tuple[nn.Module, ModelCard]:
    """Fetch a weights file from the hub, if it is not in the cache, and load the model.

    Parameters
    ----------
    repo_id, revision, sha256
        See `get_artifact`.
    filename : str
        Default is "model.ckpt".
    **settings
        Further arguments of `checkpoint.load`.

    Returns
    -------
    nn.Module, ModelCard
        See `checkpoint.load`.

    Raises
    ------
    ModelError
        As `get_artifact` and `checkpoint.load`.

    Examples
    --------
    >>> model, card = load_model("Genentech/human-atac-catlas-model")  # doctest: +SKIP
    """
    artifact = Artifact(repo_id, filename, *filter(None, [revision]))
    return load(format_artifact(artifact), sha256=sha256, **settings)
