"""Artifacts of the Hugging Face hub: named, fetched once, checked. Needs no torch.

The hub's address, the cache, the token and offline mode are those of the environment (HF_ENDPOINT,
HF_HOME, HF_TOKEN, HF_HUB_OFFLINE), asked at every call.
"""

import difflib
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from grelu_models.errors import ModelError

__all__ = [
    "Artifact",
    "check_sha256",
    "describe_repo",
    "download_model",
    "format_artifact",
    "get_artifact",
    "list_artifacts",
    "parse_artifact",
]

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
ARTIFACT = re.compile(rf"({NAME}/{NAME})(?:@([A-Za-z0-9][A-Za-z0-9._/-]*))?:([^\s:\\]+)")
NEARLY = re.compile(rf"{NAME}/{NAME}(@[^:]*)?:")
DEFAULT_REVISION = "main"
SECONDS = 10  # to wait for the hub's first word


@dataclass(frozen=True)
class Artifact:
    """A file of a repository of the hub, at a revision (branch, tag or commit)."""

    repo_id: str
    filename: str
    revision: str = DEFAULT_REVISION


def parse_artifact(text: str) -> Artifact | None:
    """Parse `owner/name@revision:path/of/file`; without a revision it is `main`.

    Returns
    -------
    Artifact or None
        None for a text of another shape, such as a path.

    Raises
    ------
    ModelError
        For a text that is nearly one.
    """
    match = ARTIFACT.fullmatch(text)
    if match and not {"", ".", ".."} & set(match[3].split("/")):
        return Artifact(match[1], match[3], match[2] or DEFAULT_REVISION)
    if match or NEARLY.match(text):
        raise ModelError(
            f"{text!r} does not name a file of the hub: write owner/name@revision:path/of/file, "
            "e.g. Genentech/human-atac-catlas-model@main:model.ckpt"
        )
    return None


def format_artifact(artifact: Artifact) -> str:
    """Write an artifact as `parse_artifact` reads it."""
    return f"{artifact.repo_id}@{artifact.revision}:{artifact.filename}"


def get_artifact(
    repo_id: str, filename: str, revision: str | None = None, sha256: str | None = None
) -> Path:
    """Return the local path of a file of the hub, fetched into the cache if it is not there.

    A file of a full commit hash that is in the cache is returned without asking the hub.

    Parameters
    ----------
    repo_id, filename : str
    revision : str, optional
        Branch, tag or commit; `main` by default.
    sha256 : str, optional
        Hex digest that the file must have.

    Raises
    ------
    ModelError
        Saying what could not be had, why, and what to do.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import disable_progress_bars

    artifact = Artifact(repo_id, filename, revision or DEFAULT_REVISION)
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
    except Exception as error:  # of many kinds: explained or raised again
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
    """Return the local path of a model's file: `get_artifact` under gReLU's name."""
    return str(get_artifact(repo_id, filename, revision, sha256))


def check_sha256(path: Path, sha256: str, *, name: str | None = None) -> None:
    """Compare a file with the digest that it must have.

    Raises
    ------
    ModelError
        If they differ, or the digest is none.
    """
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise ModelError(f"sha256 {sha256!r} is no digest: it has 64 hexadecimal digits")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256.lower():
        raise ModelError(
            f"{name or path}: sha256 is {found}, not {sha256.lower()} as asked for: it is another "
            f"file, or broken; to fetch it again, delete {path}"
        )


def list_artifacts(repo_id: str, revision: str | None = None) -> list[dict]:
    """List the files of a repository: `filename`, `size` and, where known, `sha256`, by name.

    Raises
    ------
    ModelError
        As `get_artifact`.
    """
    artifact = Artifact(repo_id, "", revision or DEFAULT_REVISION)
    info = _ask(artifact, files_metadata=True)
    files = [
        {
            "filename": file.rfilename,
            "size": file.size,
            "sha256": file.lfs.sha256 if file.lfs else None,
        }
        for file in info.siblings or []
    ]
    return sorted(files, key=lambda file: file["filename"])


def describe_repo(repo_id: str, revision: str | None = None) -> dict:
    """Describe a repository: id, commit, date, license, tags, base models, data sets and files.

    Raises
    ------
    ModelError
        As `get_artifact`.
    """
    info = _ask(Artifact(repo_id, "", revision or DEFAULT_REVISION))
    card = info.card_data.to_dict() if info.card_data else {}

    def listed(key: str) -> list[str]:
        value = card.get(key) or []
        return [value] if isinstance(value, str) else list(value)

    return {
        "id": info.id,
        "commit": info.sha,
        "last_modified": info.last_modified.isoformat() if info.last_modified else None,
        "license": card.get("license"),
        "tags": list(info.tags or []),
        "base_models": listed("base_model"),
        "datasets": listed("datasets"),
        "files": sorted(file.rfilename for file in info.siblings or []),
    }


def _ask(artifact: Artifact, **options) -> object:
    from huggingface_hub import HfApi

    if _offline():
        raise ModelError(f"{artifact.repo_id}: HF_HUB_OFFLINE is set: unset it to ask the hub")
    address = _address()
    api = HfApi(endpoint=address["endpoint"], token=address["token"])
    try:
        return api.model_info(
            artifact.repo_id, revision=artifact.revision, timeout=SECONDS, **options
        )
    except Exception as error:  # of many kinds: explained or raised again
        raise _explain(error, artifact) from error


def _in_cache(artifact: Artifact) -> bool:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(
        artifact.repo_id, artifact.filename, cache_dir=_cache(), revision=artifact.revision
    )
    return isinstance(found, str)


def _probe(artifact: Artifact) -> None:
    """Ask for a file's size, once: a download would try a dead network for half a minute."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    address = _address()
    url = hf_hub_url(
        artifact.repo_id,
        artifact.filename,
        revision=artifact.revision,
        endpoint=address["endpoint"],
    )
    get_hf_file_metadata(url, timeout=SECONDS, **address)


def _address() -> dict:
    """Where the hub is and who asks; None leaves it to huggingface_hub."""
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
    """One line of what went wrong and what to do; an error that is no one's is returned as is."""
    from huggingface_hub import errors

    repo, revision = artifact.repo_id, artifact.revision
    name = format_artifact(artifact) if artifact.filename else f"{repo}@{revision}"
    page = f"{os.environ.get('HF_ENDPOINT') or 'https://huggingface.co'}/{repo}"
    if isinstance(error, errors.HFValidationError):
        return ModelError(f"{name}: not a name of the hub: {error}")
    if isinstance(error, errors.GatedRepoError):
        return ModelError(f"{name}: gated: accept its terms at {page}, then set HF_TOKEN")
    if isinstance(error, errors.RepositoryNotFoundError):
        return ModelError(
            f"{name}: no such repository: check its name; a private one needs HF_TOKEN"
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return ModelError(f"{name}: no such revision: use a branch, tag or commit listed at {page}")
    if isinstance(error, errors.LocalEntryNotFoundError) and _offline():
        return ModelError(
            f"{name}: not in the cache, and HF_HUB_OFFLINE is set: fetch it once without"
        )
    if isinstance(error, errors.LocalEntryNotFoundError) or _no_answer(error):
        return ModelError(
            f"{name}: not in the cache, and the hub does not answer ({page}): "
            "check the network and HF_ENDPOINT, or fetch it on a machine with network"
        )
    if isinstance(error, errors.EntryNotFoundError):
        return ModelError(f"{name}: no such file in the repository{_suggest(artifact)}")
    if isinstance(error, errors.HfHubHTTPError | OSError) or _is_of_network(error):
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        return ModelError(f"{name}: could not be fetched: {reason}: try again")
    return error


def _no_answer(error: Exception) -> bool:
    return type(error).__name__ in ("ConnectError", "ConnectTimeout", "ReadTimeout", "ProxyError")


def _is_of_network(error: Exception) -> bool:
    return type(error).__module__.startswith(("httpx", "httpcore", "requests", "urllib3"))


def _suggest(artifact: Artifact) -> str:
    try:
        names = [file["filename"] for file in list_artifacts(artifact.repo_id, artifact.revision)]
    except ModelError:
        return ""
    near = difflib.get_close_matches(artifact.filename, names, n=3, cutoff=0.3) or names[:3]
    return f": did you mean {', '.join(near)}?" if near else ""
