"""Names of files on the Hugging Face hub: `owner/name@revision:path/of/file`."""

import re
from dataclasses import dataclass

from grelu_models.errors import ModelError
from grelu_models.files.limits import show

__all__ = ["DEFAULT_REVISION", "Artifact", "format_artifact", "parse_artifact"]

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
ARTIFACT = re.compile(
    rf"({NAME}/{NAME})(?:@([A-Za-z0-9][A-Za-z0-9._/-]*))?:([^\s:\\\x00-\x1f\x7f]+)"
)
NEARLY = re.compile(rf"{NAME}/{NAME}(@[^:]*)?:")
DEFAULT_REVISION = "main"


@dataclass(frozen=True)
class Artifact:
    """A file in a repository of the hub, at a revision (branch, tag or commit)."""

    repo_id: str
    filename: str
    revision: str = DEFAULT_REVISION


def parse_artifact(text: str) -> Artifact | None:
    """Parse `owner/name@revision:path/of/file`. The default revision is `main`.

    Returns
    -------
    Artifact or None
        None for other text, such as a path.

    Raises
    ------
    ModelError
        For text that resembles the form but does not match it.

    Examples
    --------
    >>> parse_artifact("Genentech/human-atac-catlas-model:model.ckpt")
    Artifact(repo_id='Genentech/human-atac-catlas-model', filename='model.ckpt', revision='main')
    >>> parse_artifact("models/model.ckpt") is None
    True
    """
    match = ARTIFACT.fullmatch(text)
    if match and not {"", ".", ".."} & set(match[3].split("/")):
        return Artifact(match[1], match[3], match[2] or DEFAULT_REVISION)
    if match or NEARLY.match(text):
        raise ModelError(
            f"{show(text, 200)} does not name a file of the hub: "
            "write owner/name@revision:path/of/file, "
            "e.g. Genentech/human-atac-catlas-model@main:model.ckpt"
        )
    return None


def format_artifact(artifact: Artifact) -> str:
    """Write an artifact in the form that `parse_artifact` reads.

    Examples
    --------
    >>> format_artifact(Artifact("Genentech/human-atac-catlas-model", "model.ckpt"))
    'Genentech/human-atac-catlas-model@main:model.ckpt'
    """
    return f"{artifact.repo_id}@{artifact.revision}:{artifact.filename}"
