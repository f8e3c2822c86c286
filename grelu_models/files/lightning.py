"""What a gReLU checkpoint (`model.ckpt`, of PyTorch Lightning) says of its model. Needs no torch.

It holds `hyper_parameters` {model_params, train_params}, `data_params` {tasks, train, val, test}
and a `state_dict`, which is not read here.
"""

from pathlib import Path

from grelu_models.errors import ModelError
from grelu_models.files.pickles import Unread, is_torch_zip, read_pickle

__all__ = ["is_checkpoint", "read_checkpoint_metadata"]

ACTIVATIONS = {
    ("regression", "poisson"): "exp",
    ("regression", "poisson_multinomial"): "exp",
    ("regression", "mse"): None,
}
ACTIVATIONS_OF_TASKS = {"binary": "sigmoid", "multiclass": "softmax"}

MACHINE_KEYS = frozenset(["save_dir", "logger", "checkpoint", "devices", "num_workers"])
"""train_params that tell of a machine, not of a model."""

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
"""What of the training data is worth a line in the model's card."""


def is_checkpoint(content: object) -> bool:
    """Whether the content of a torch file is a Lightning checkpoint."""
    return (
        isinstance(content, dict)
        and isinstance(content.get("state_dict"), dict)
        and ("hyper_parameters" in content or "pytorch-lightning_version" in content)
    )


def read_checkpoint_metadata(path: Path) -> dict | None:
    """Read the metadata that gReLU keeps inside a checkpoint, leaving its tensors alone.

    Returns
    -------
    dict or None
        Keys of `metadata.METADATA_KEYS`, as far as the checkpoint knows them. None for any file
        that is not a Lightning checkpoint in torch's zip format.

    Raises
    ------
    ModelError
        If the file is broken, asks for code to be run, or contradicts itself.
    """
    if not is_torch_zip(path):
        return None
    content = read_pickle(path)
    if not is_checkpoint(content):
        return None
    given = _as_dict(content.get("hyper_parameters"))
    trained, data = _as_dict(given.get("train_params")), _as_dict(content.get("data_params"))
    seen = _as_dict(_split(data, "train"))
    metadata = {
        "architecture": _read_architecture(path, given.get("model_params")),
        "window": _as_length(seen.get("seq_len")),
        "bin_size": _as_length(seen.get("bin_size")),
        "tracks": _list_tracks(path, data.get("tasks")),
        "train": _describe_training(trained, seen),
        "intervals": _read_intervals(path, data),
    }
    metadata = {key: value for key, value in metadata.items() if value}
    if trained:
        metadata["activation"] = _find_activation(path, trained)
    return metadata


def _split(data: dict, name: str) -> dict:
    """Settings of one split; older gReLU kept them flat, as `train_seq_len`."""
    flat = {key[len(name) + 1 :]: data[key] for key in data if str(key).startswith(f"{name}_")}
    return _as_dict(data.get(name)) or flat


def _read_architecture(path: Path, given: object) -> dict | None:
    for name, value in _as_dict(given).items():
        if not _is_plain(value):
            raise ModelError(f"{path}: model_params: {name} is {value!r}, which is no plain value")
    return dict(_as_dict(given)) or None


def _find_activation(path: Path, trained: dict) -> str | None:
    task, loss = (str(trained.get(key)).lower() for key in ("task", "loss"))
    if task in ACTIVATIONS_OF_TASKS:
        return ACTIVATIONS_OF_TASKS[task]
    if (task, loss) not in ACTIVATIONS:
        raise ModelError(
            f"{path}: train_params: no activation is known for task {task!r} with loss {loss!r}: "
            "gReLU has regression (poisson, poisson_multinomial, mse), binary and multiclass"
        )
    return ACTIVATIONS[task, loss]


def _list_tracks(path: Path, tasks: object) -> list[dict] | None:
    columns = {str(key): value for key, value in _as_dict(tasks).items()}
    if "name" not in columns:
        return None
    lengths = {key: len(value) for key, value in columns.items() if isinstance(value, list)}
    odd = [key for key in columns if lengths.get(key) != lengths.get("name")]
    if odd or "name" not in lengths:
        raise ModelError(
            f"{path}: data_params: tasks: column {(odd or ['name'])[0]!r} is not a list of "
            f"{lengths.get('name', 'some')} values, one a task"
        )
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [{**{k: _as_cell(v) for k, v in row.items()}, "name": str(row["name"])} for row in rows]


def _describe_training(trained: dict, seen: dict) -> dict:
    kept = {key: value for key, value in trained.items() if key not in MACHINE_KEYS}
    kept |= {key: seen[key] for key in DATA_KEYS if key in seen}
    return {str(key): _without_folder(value) for key, value in kept.items() if _is_scalar(value)}


def _read_intervals(path: Path, data: dict) -> dict[str, dict[str, list]]:
    """Contig, start and end (0-based, half-open) of the windows of each split that has them."""
    intervals = {}
    for name in ("train", "val", "test"):
        table = _as_dict(_split(data, name).get("intervals"))
        columns = [table.get(column) for column in ("chrom", "start", "end")]
        if None in columns:
            continue
        if not all(
            isinstance(column, list) and len(column) == len(columns[0]) for column in columns
        ):
            raise ModelError(f"{path}: data_params: {name}: intervals need lists of one length")
        contigs, *positions = columns
        if not all(isinstance(position, int) for column in positions for position in column):
            raise ModelError(f"{path}: data_params: {name}: intervals need whole numbers")
        named = [str(contig) for contig in contigs]
        intervals[name] = {"chrom": named, "start": [*positions[0]], "end": [*positions[1]]}
    return intervals


def _is_scalar(value: object) -> bool:
    return isinstance(value, bool | int | float | str)


def _is_plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(_is_plain(item) for pair in value.items() for item in pair)
    return value is None or _is_scalar(value)


def _as_dict(value: object) -> dict:
    return value if isinstance(value, dict) else {}


def _as_length(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _as_cell(value: object) -> object:
    """A value of a table: missing ones (None, NaN) are empty."""
    if value is None or isinstance(value, Unread) or value != value:
        return ""
    return value if _is_scalar(value) else str(value)


def _without_folder(value: object) -> object:
    """A path says nothing elsewhere: its last part alone."""
    return value.replace("\\", "/").rstrip("/").split("/")[-1] if isinstance(value, str) else value
