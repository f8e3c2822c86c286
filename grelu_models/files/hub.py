"""Files on the Hugging Face hub: fetched once, verified, listed. Needs no torch.

The hub's address, the cache, the token and offline mode follow from the environment (HF_ENDPOINT,
HF_HOME, HF_TOKEN, HF_HUB_OFFLINE), which is read at every call.
"""

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from grelu_models.errors import ModelError
from grelu_models.files.artifact import (
    DEFAULT_REVISION,
    Artifact,
    format_artifact,
    parse_artifact,
)
from grelu_models.files.hub_errors import explain, hide_secrets_in_logs

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo

__all__ = [
    "Artifact",
    "RepoFile",
    "Repository",
    "check_sha256",
    "describe_repo",
    "download_model",
    "format_artifact",
    "get_artifact",
    "list_artifacts",
    "parse_artifact",
]

SECONDS = 10
"""Timeout of a request to the hub, in seconds."""


class RepoFile(TypedDict):
    """A file of a repository: its size in bytes and, if known, its digest."""

    filename: str
    size: int | None
    sha256: str | None


class Repository(TypedDict):
    """A repository at a revision."""

    id: str
    commit: str | None
    last_modified: str | None
    license: str | None
    tags: list[str]
    base_models: list[str]
    datasets: list[str]
    files: list[str]


class Address(TypedDict):
    """Address of the hub and token of the user; None is the default of huggingface_hub."""

    endpoint: str | None
    token: str | None


def get_artifact(
    repo_id: str, filename: str, revision: str | None = None, sha256: str | None = None
) -> Path:
    """Return the local path of a file on the hub, after fetching it into the cache if needed.

    If the revision is a full commit hash and the file is in the cache, no request is made.

    Parameters
    ----------
    repo_id, filename : str
    revision : str, optional
        Branch, tag or commit. Default is `main`.
    sha256 : str, optional
        Hex digest that the file must have. Default is None: any file is accepted.

    Raises
    ------
    ModelError
        If the file is not available, with the reason and a remedy, or has another digest.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    artifact = Artifact(repo_id, filename, revision or DEFAULT_REVISION)
    hide_secrets_in_logs()
    if not os.isatty(2):
        disable_progress_bars()
    try:
        if not _offline() and not _in_cache(artifact):
            _probe(artifact)
        found = hf_hub_download(
            repo_id,
            filename,
            revision=artifact.revision,
            etag_timeout=SECONDS,
            cache_dir=_cache(),
            local_files_only=_offline(),
            **_address(),
        )
    except Exception as error:  # of many types
        raise _explain(error, artifact) from error
    if sha256:
        check_sha256(Path(found), sha256, name=format_artifact(artifact))
    return Path(found)


def download_model(
    repo_id: str,
    filename: str = "model.ckpt",
    revision: str | None = None,
    sha256: str | None = None,
) -> str:
    """Return the local path of a weights file: `get_artifact` under gReLU's name."""
    return str(get_artifact(repo_id, filename, revision, sha256))


def check_sha256(path: Path, sha256: str, *, name: str | None = None) -> None:
    """Verify that a file has the expected digest.

    Parameters
    ----------
    path : Path
    sha256 : str
        64 hexadecimal digits.
    name : str, optional
        Name of the file for the error message. Default is None: the path.

    Raises
    ------
    ModelError
        If the digests differ, or `sha256` is not one.
    """
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise ModelError(f"sha256 {sha256[:100]!r} is not a digest: give 64 hexadecimal digits")
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{name or path}: cannot be read: {error.strerror}") from error
    if found != sha256.lower():
        raise ModelError(
            f"{name or path}: sha256 is {found}, not {sha256.lower()} as expected: the file is "
            f"another one, or damaged; to fetch it again, delete {path}"
        )


def list_artifacts(repo_id: str, revision: str | None = None) -> list[RepoFile]:
    """List the files of a repository: `filename`, `size` and, if known, `sha256`, sorted by name.

    Raises
    ------
    ModelError
        As `get_artifact`.
    """
    artifact = Artifact(repo_id, "", revision or DEFAULT_REVISION)
    info = _ask(artifact, files_metadata=True)
    files: list[RepoFile] = [
        {
            "filename": file.rfilename,
            "size": file.size,
            "sha256": file.lfs.sha256 if file.lfs else None,
        }
        for file in info.siblings or []
    ]
    return sorted(files, key=lambda file: file["filename"])


def describe_repo(repo_id: str, revision: str | None = None) -> Repository:
    """Describe a repository: id, commit, date, license, tags, base models, data sets and files.

    Raises
    ------
    ModelError
        As `get_artifact`.
    """
    info = _ask(Artifact(repo_id, "", revision or DEFAULT_REVISION))
    card = info.card_data

    def listed(key: str) -> list[str]:
        value = card.get(key, []) if card else []
        return [value] if isinstance(value, str) else list(value)

    return {
        "id": info.id,
        "commit": info.sha,
        "last_modified": info.last_modified.isoformat() if info.last_modified else None,
        "license": card.get("license") if card else None,
        "tags": list(info.tags or []),
        "base_models": listed("base_model"),
        "datasets": listed("datasets"),
        "files": sorted(file.rfilename for file in info.siblings or []),
    }


def _ask(artifact: Artifact, *, files_metadata: bool = False) -> "ModelInfo":
    from huggingface_hub import HfApi

    if _offline():
        raise ModelError(f"{artifact.repo_id}: HF_HUB_OFFLINE is set: unset it to query the hub")
    address = _address()
    hide_secrets_in_logs()
    api = HfApi(endpoint=address["endpoint"], token=address["token"])
    try:
        return api.model_info(
            artifact.repo_id,
            revision=artifact.revision,
            timeout=SECONDS,
            files_metadata=files_metadata,
        )
    except Exception as error:  # of many types
        raise _explain(error, artifact) from error


def _in_cache(artifact: Artifact) -> bool:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(
        artifact.repo_id, artifact.filename, cache_dir=_cache(), revision=artifact.revision
    )
    return isinstance(found, str)


def _probe(artifact: Artifact) -> None:
    """Request the metadata of a file once; a failing download would retry for half a minute."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    address = _address()
    url = hf_hub_url(
        artifact.repo_id,
        artifact.filename,
        revision=artifact.revision,
        endpoint=address["endpoint"],
    )
    get_hf_file_metadata(url, timeout=SECONDS, **address)


def _address() -> Address:
    return {
        "endpoint": os.environ.get("HF_ENDPOINT") or None,
        "token": os.environ.get("HF_TOKEN") or None,
    }


def _cache() -> str | None:
    home = os.environ.get("HF_HOME")
    return os.environ.get("HF_HUB_CACHE") or (str(Path(home) / "hub") if home else None)


def _offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")


def _explain(error: Exception, artifact: Artifact) -> Exception:
    return explain(error, artifact, offline=_offline(), list_names=lambda: _list_names(artifact))


def _list_names(artifact: Artifact) -> list[str]:
    """Names of the files in an artifact's repository; none if they cannot be listed."""
    try:
        return [file["filename"] for file in list_artifacts(artifact.repo_id, artifact.revision)]
    except ModelError:
        return []
