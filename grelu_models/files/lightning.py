"""The content of an unpickled gReLU checkpoint (`model.ckpt`, of PyTorch Lightning).

A checkpoint contains `hyper_parameters` {model_params, train_params}, `data_params` {tasks, train,
val, test} and a `state_dict`. Needs no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from grelu_models.errors import ModelError
from grelu_models.files.architecture import check_architecture
from grelu_models.files.limits import check_nested, show
from grelu_models.files.metadata import (
    UNSTATED,
    Architecture,
    Intervals,
    Metadata,
    Track,
    check_intervals,
)
from grelu_models.files.pickle_machine import MOST
from grelu_models.files.pickles import Unread

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["is_checkpoint", "is_of_model", "read_checkpoint_metadata", "select_model"]

Content = dict[Any, Any]
"""A dict of a checkpoint: plain values, and `Unread` in place of anything else."""

ACTIVATIONS = {
    ("regression", "poisson"): "exp",
    ("regression", "poisson_multinomial"): "exp",
    ("regression", "mse"): None,
}
ACTIVATIONS_OF_TASKS = {"binary": "sigmoid", "multiclass": "softmax"}

MACHINE_KEYS = frozenset(["save_dir", "logger", "checkpoint", "devices", "num_workers"])
"""train_params that describe a machine, not a model."""

DATA_KEYS = (
    "genome",
    "seq_len",
    "label_len",
    "bin_size",
    "rc",
    "max_seq_shift",
    "max_pair_shift",
    "min_label_clip",
    "max_label_clip",
    "n_seqs",
)
"""Settings of the training data that are kept in the model's card."""

PREFIX = "model."
NOT_THE_MODEL = ("loss.", "val_metrics.", "test_metrics.")
"""Prefixes of the other tensors of gReLU's LightningModule."""


def is_checkpoint(content: object) -> TypeGuard[Content]:
    """Whether the content of a torch file is a Lightning checkpoint."""
    return (
        isinstance(content, dict)
        and isinstance(content.get("state_dict"), dict)
        and ("hyper_parameters" in content or "pytorch-lightning_version" in content)
    )


def is_of_model(name: object) -> bool:
    """Whether a tensor of a Lightning checkpoint is one of the model."""
    return isinstance(name, str) and name.startswith(PREFIX)


def select_model(path: Path, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of the model only, without Lightning's prefix of their names.

    Raises
    ------
    ModelError
        If there is a tensor that gReLU does not write. The message names the first one.
    """
    unknown = [name for name in state if not name.startswith((PREFIX, *NOT_THE_MODEL))]
    if unknown:
        raise ModelError(
            f"{path}: not a gReLU checkpoint: tensor {unknown[0]} is neither part of the model "
            f"({PREFIX}…) nor of {', '.join(f'{name}…' for name in NOT_THE_MODEL)}"
        )
    return {
        name.removeprefix(PREFIX): tensor for name, tensor in state.items() if is_of_model(name)
    }


def read_checkpoint_metadata(path: Path, content: Content) -> Metadata:
    """Read the metadata that gReLU stores in a checkpoint.

    Parameters
    ----------
    path : Path
        For error messages.
    content : dict
        As `pickles.read_pickle` returns it, without tensors.

    Returns
    -------
    Metadata
        Keys that the checkpoint lacks are unstated.

    Raises
    ------
    ModelError
        If the metadata are contradictory or not of gReLU's form.
    """
    for part in ("hyper_parameters", "data_params"):
        check_nested(f"{path}: {part}", content.get(part), most=MOST)
    given = _as_dict(content.get("hyper_parameters"))
    trained, data = _as_dict(given.get("train_params")), _as_dict(content.get("data_params"))
    seen = _as_dict(_split(data, "train"))
    return Metadata(
        architecture=_read_architecture(path, given.get("model_params")) or UNSTATED,
        window=_as_length(seen.get("seq_len")) or UNSTATED,
        bin_size=_as_length(seen.get("bin_size")) or UNSTATED,
        tracks=_list_tracks(path, data.get("tasks")) or UNSTATED,
        train=_describe_training(trained, seen) or UNSTATED,
        intervals=_read_intervals(path, data) or UNSTATED,
        activation=_find_activation(path, trained) if trained else UNSTATED,
    )


def _split(data: Content, name: str) -> Content:
    """Settings of one split; older versions of gReLU store them flat, as `train_seq_len`."""
    flat = {key[len(name) + 1 :]: data[key] for key in data if str(key).startswith(f"{name}_")}
    return _as_dict(data.get(name)) or flat


def _read_architecture(path: Path, given: object) -> Architecture:
    for name, value in _as_dict(given).items():
        if not _is_plain(value):
            raise ModelError(
                f"{path}: model_params: {name} is {show(value)}, which is not a plain value"
            )
    check_architecture(f"{path}: model_params", _as_dict(given))
    return dict(_as_dict(given))


def _find_activation(path: Path, trained: Content) -> str | None:
    task, loss = (str(trained.get(key)).lower() for key in ("task", "loss"))
    if task in ACTIVATIONS_OF_TASKS:
        return ACTIVATIONS_OF_TASKS[task]
    if (task, loss) not in ACTIVATIONS:
        raise ModelError(
            f"{path}: train_params: no activation is known for task {task!r} with loss {loss!r}: "
            "gReLU has regression (poisson, poisson_multinomial, mse), binary and multiclass"
        )
    return ACTIVATIONS[task, loss]


def _list_tracks(path: Path, tasks: object) -> list[Track]:
    columns = {str(key): value for key, value in _as_dict(tasks).items()}
    if "name" not in columns:
        return []
    lengths = {key: len(value) for key, value in columns.items() if isinstance(value, list)}
    uneven = [key for key in columns if lengths.get(key) != lengths.get("name")]
    if uneven or "name" not in lengths:
        raise ModelError(
            f"{path}: data_params: tasks: column {(uneven or ['name'])[0]!r} is not a list of "
            f"{lengths.get('name', 'some')} values, one per task"
        )
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [{**{k: _as_cell(v) for k, v in row.items()}, "name": str(row["name"])} for row in rows]


def _describe_training(trained: Content, seen: Content) -> dict[str, Any]:
    kept = {key: value for key, value in trained.items() if key not in MACHINE_KEYS}
    kept |= {key: seen[key] for key in DATA_KEYS if key in seen}
    return {str(key): _without_folder(value) for key, value in kept.items() if _is_scalar(value)}


def _read_intervals(path: Path, data: Content) -> Intervals:
    """Contig, start and end (0-based, half-open) of the windows of each split that has them."""
    intervals: Intervals = {}
    for name in ("train", "val", "test"):
        table = _as_dict(_split(data, name).get("intervals"))
        if all(table.get(column) is not None for column in ("chrom", "start", "end")):
            intervals[name] = check_intervals(f"{path}: data_params: {name}", table)
    return intervals


def _is_scalar(value: object) -> bool:
    return isinstance(value, bool | int | float | str)


def _is_plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(_is_plain(item) for pair in value.items() for item in pair)
    return value is None or _is_scalar(value)


def _as_dict(value: object) -> Content:
    return value if isinstance(value, dict) else {}


def _as_length(value: object) -> int | None:
    return value if type(value) is int and value > 0 else None


def _as_cell(value: object) -> object:
    """A value of a table; missing ones (None, NaN) become empty text."""
    if value is None or isinstance(value, Unread) or value != value:
        return ""
    return value if _is_scalar(value) else str(value)


def _without_folder(value: object) -> object:
    """The last part of a path, because its folders do not exist on other machines."""
    return value.replace("\\", "/").rstrip("/").split("/")[-1] if isinstance(value, str) else value
