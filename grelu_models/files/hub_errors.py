"""Errors of the Hugging Face hub as one line for the user, without secrets. Needs no torch."""

import difflib
import logging
import os
from collections.abc import Callable

from grelu_models.errors import ModelError
from grelu_models.files.artifact import Artifact, format_artifact
from grelu_models.secrets import mask

__all__ = ["explain", "hide_secrets_in_logs"]


def explain(
    error: Exception, artifact: Artifact, *, offline: bool, list_names: Callable[[], list[str]]
) -> Exception:
    """Convert an error of the hub to one line: what is wrong and what to do.

    Parameters
    ----------
    error : Exception
    artifact : Artifact
        The requested file, or a whole repository if its `filename` is empty.
    offline : bool
        Whether offline mode is set.
    list_names : callable
        Returns the names of the repository's files; called if the requested one does not exist.

    Returns
    -------
    Exception
        A ModelError; an error that is not of the hub or the network is returned unchanged.
    """
    from huggingface_hub import errors

    repo, revision = artifact.repo_id, artifact.revision
    name = format_artifact(artifact) if artifact.filename else f"{repo}@{revision}"
    page = mask(f"{os.environ.get('HF_ENDPOINT') or 'https://huggingface.co'}/{repo}")
    if isinstance(error, errors.HFValidationError):
        return ModelError(f"{name}: not a valid name on the hub: {error}")
    if isinstance(error, errors.GatedRepoError):
        return ModelError(f"{name}: gated: accept its terms at {page}, then set HF_TOKEN")
    if isinstance(error, errors.RepositoryNotFoundError):
        return ModelError(
            f"{name}: no such repository: check its name; a private one needs HF_TOKEN"
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return ModelError(f"{name}: no such revision: use a branch, tag or commit listed at {page}")
    if isinstance(error, errors.LocalEntryNotFoundError) and offline:
        return ModelError(
            f"{name}: not in the cache, and HF_HUB_OFFLINE is set: unset it and fetch the file once"
        )
    if isinstance(error, errors.LocalEntryNotFoundError) or _is_unreachable(error):
        return ModelError(
            f"{name}: not in the cache, and the hub does not answer ({page}): "
            "check the network and HF_ENDPOINT, or fetch the file on a machine with network access"
        )
    if isinstance(error, errors.EntryNotFoundError):
        similar = _suggest(artifact.filename, list_names())
        return ModelError(f"{name}: no such file in the repository{similar}")
    if isinstance(error, errors.HfHubHTTPError | OSError) or _is_network_error(error):
        reason = mask(" ".join(str(error).split()))[:200] or type(error).__name__
        return ModelError(f"{name}: could not be fetched: {reason}: try again")
    return error


def hide_secrets_in_logs() -> None:
    """Hide secrets in what huggingface_hub logs about a download that fails."""
    for handler in logging.getLogger("huggingface_hub").handlers:
        handler.addFilter(_hide_in_record)


def _hide_in_record(record: logging.LogRecord) -> bool:
    record.msg, record.args = mask(record.getMessage()), ()
    return True


def _is_unreachable(error: Exception) -> bool:
    return type(error).__name__ in ("ConnectError", "ConnectTimeout", "ReadTimeout", "ProxyError")


def _is_network_error(error: Exception) -> bool:
    return type(error).__module__.startswith(("httpx", "httpcore", "requests", "urllib3"))


def _suggest(filename: str, names: list[str]) -> str:
    near = difflib.get_close_matches(filename, names, n=3, cutoff=0.3) or names[:3]
    return f": did you mean {', '.join(near)}?" if near else ""
