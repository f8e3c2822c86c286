"""Files of Keras models: `.h5` of Keras 2 and 3, and `.keras`. Nothing in them is executed."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grelu_models.errors import ModelError
from grelu_models.files.archive import open_archive
from grelu_models.files.hdf5 import MAGIC, Dataset, Group, open_hdf5
from grelu_models.files.keras_names import SYNONYMS, Variable, guess_name, name_layers
from grelu_models.files.limits import check_nested, show
from grelu_models.files.metadata import Metadata

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

__all__ = ["KerasFile", "is_keras_h5", "is_keras_zip"]

CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"
"""Members of a `.keras` file."""

LARGEST_CONFIG = 32 * 2**20
"""Bytes of the largest config. That of SpliceAI has 67 kB."""

LARGEST_METADATA = 10_000
"""Bytes of the largest `metadata.json`."""

MOST_VALUES = 1_000_000
"""Nested values of a config."""

OLD_LAYERS = "_layer_checkpoint_dependencies"
"""What TensorFlow 2.13 calls the group `layers`."""

TOPS = ("layers", OLD_LAYERS)
"""Groups of layers."""

TRAINING = ("seed_generator", "optimizer", "metrics", "_compile_metrics", "loss_tracker")
"""Parts of a `.keras` file that inference does not need."""


def is_keras_h5(path: Path, head: bytes) -> bool:
    """Whether a file is HDF5, by its first bytes."""
    return head.startswith(MAGIC)


def is_keras_zip(path: Path, head: bytes) -> bool:
    """Whether a file is a zip with the members of a `.keras` file."""
    if not head.startswith(b"PK\x03\x04"):
        return False
    try:
        with open_archive(path) as archive:
            return {CONFIG, WEIGHTS} <= archive.NameToInfo.keys()
    except ModelError:
        return False


class KerasFile:
    """A Keras model: its config, and its variables by name.

    Attributes
    ----------
    path : Path
    zipped : bool
        Whether it is a `.keras` file.

    Notes
    -----
    Variables have Keras' shapes (a kernel of Conv1D is (k, in, out)) and the names of
    `keras_names`. A layer whose class is not known, and a file without a config, have names as
    close to those as the file allows.
    """

    def __init__(self, path: Path, *, zipped: bool = False) -> None:
        self.path = path
        self.zipped = zipped

    @cached_property
    def config(self) -> dict[str, Any] | None:
        """The config of the model: `class_name` and `config`. None if the file has only weights.

        Raises
        ------
        ModelError
            If it is damaged, or exceeds a limit.
        """
        text: str | bytes
        if self.zipped:
            with open_archive(self.path) as archive:
                if archive.getinfo(CONFIG).file_size > LARGEST_CONFIG:
                    raise self._refuse_size()
                text = archive.read(CONFIG)
        else:
            with self._open() as root:
                texts = root.get_texts("model_config")
            if not texts:
                return None
            text = texts[0]
        if len(text) > LARGEST_CONFIG:
            raise self._refuse_size()
        return self._parse(text)

    @cached_property
    def version(self) -> int:
        """The major version of the Keras that wrote the file: 2 or 3."""
        if self.zipped:
            with open_archive(self.path) as archive:
                member = archive.NameToInfo.get(METADATA)
                known = member is not None and member.file_size <= LARGEST_METADATA
                text = archive.read(METADATA) if known else b""
            found = re.search(rb'"keras_version":\s*"(\d+)', text)
            number = int(found[1]) if found else 3
        else:
            with self._open() as root:
                top = root.get_group("model_weights") or root
                texts = root.get_texts("keras_version") or top.get_texts("keras_version") or ["3"]
            number = 2 if texts[0][:2] in ("0.", "1.", "2.") else 3
        return min(max(number, 2), 3)

    def metadata(self) -> Metadata:
        """See `WeightsFile`: a Keras model describes itself."""
        return Metadata(architecture={"model_type": "Keras"})

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the variables, in Keras' order of axes, see `WeightsFile`."""
        return {name: values.shape for name, values in self.read_variables().items()}

    def state_dict(self) -> dict[str, Tensor]:
        """Return the variables as tensors, see `WeightsFile`."""
        import torch

        return {name: torch.from_numpy(values) for name, values in self.read_variables().items()}

    def read_variables(self) -> dict[str, np.ndarray]:
        """Return the variables by name, without importing torch.

        Raises
        ------
        ModelError
            If the file is damaged, has no variables, or two of one name.
        """
        layers = name_layers(self.config) if self.config else {}
        values: dict[str, np.ndarray] = {}
        with self._open() as root:
            group = root.get_group("model_weights") or root
            names = _get_long(group, "layer_names")
            pairs = (
                _list_stored(root, layers) if names is None else self._list(group, names, layers)
            )
            for name, dataset in pairs:
                if name in values:
                    raise ModelError(f"{self.path}: two of its weights are named {show(name)}")
                values[name] = dataset.read()
        if not values and names is None:
            raise ModelError(
                f"{self.path}: no weights of a Keras model: it has neither layer_names nor layers"
            )
        return values

    @contextmanager
    def _open(self) -> Iterator[Group]:
        """The root group of the HDF5 data."""
        if self.zipped:
            with open_archive(self.path) as archive:
                data = io.BytesIO(archive.read(WEIGHTS))
            with open_hdf5(self.path, data) as root:
                yield root
            return
        try:
            file = self.path.open("rb")
        except OSError as error:
            raise ModelError(f"{self.path}: no readable weights: {error.strerror}") from error
        with file, open_hdf5(self.path, file) as root:
            yield root

    def _parse(self, text: str | bytes) -> dict[str, Any]:
        try:
            config = json.loads(text)
        except (ValueError, RecursionError) as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"{self.path}: its config is not readable JSON: {reason}") from error
        check_nested(f"{self.path}: config", config, most=MOST_VALUES)
        if not (isinstance(config, dict) and isinstance(config.get("config"), dict | list)):
            raise ModelError(f"{self.path}: its config is not that of a Keras model")
        return config

    def _refuse_size(self) -> ModelError:
        return ModelError(
            f"{self.path}: refused, its config has more than {LARGEST_CONFIG:,} characters"
        )

    def _list(
        self, group: Group, names: list[str], layers: dict[str, list[Variable] | None]
    ) -> Iterator[tuple[str, Dataset]]:
        """Names and datasets of a `.h5` file."""
        for layer in names:
            part = group.get_group(layer)
            stored = None if part is None else _get_long(part, "weight_names")
            if part is None or stored is None:
                raise ModelError(
                    f"{self.path}: layer {show(layer)} has no weight_names: fetch it again"
                )
            found = [part.get(path) for path in stored]
            for name, dataset in zip(_name(layer, stored, layers.get(layer)), found, strict=True):
                if not isinstance(dataset, Dataset):
                    raise ModelError(f"{self.path}: {show(name)} is missing: fetch it again")
                yield name, dataset


def _get_long(group: Group, name: str) -> list[str] | None:
    """Texts of an attribute that Keras splits if it is long: `name`, or `name0`, `name1`, ..."""
    texts = group.get_texts(name)
    if texts is None:
        parts: list[list[str]] = []
        while (part := group.get_texts(f"{name}{len(parts)}")) is not None:
            parts.append(part)
        texts = [text for part in parts for text in part] if parts else None
    return texts


def _name(layer: str, stored: list[str], variables: list[Variable] | None) -> list[str]:
    """Names of a layer's variables: in the order of Keras if it fits, else from their paths."""
    guessed = [guess_name(layer, path) for path in stored]
    if len({*guessed}) < len(guessed):  # several cells in one layer
        return [f"{layer}/{path}" for path in stored]
    if variables is None or len(variables) != len(stored):
        return guessed
    ordered = sorted(variables, key=lambda variable: not variable.trainable)
    roles = [name.rpartition("/")[2] for name in guessed]
    fits = all(
        variable.role in (role, SYNONYMS.get(role))
        for variable, role in zip(ordered, roles, strict=True)
    )
    return [variable.name for variable in ordered] if fits else guessed


def _list_stored(
    root: Group, layers: dict[str, list[Variable] | None]
) -> Iterator[tuple[str, Dataset]]:
    """Names and datasets of the weights of a `.keras` file."""
    known = {variable.stored: variable.name for part in layers.values() for variable in part or []}
    for top in (*TOPS, "vars"):
        group = root.get_group(top)
        for dataset in group.walk() if group is not None else ():
            parts = dataset.path.split("/")
            if not set(TRAINING) & set(parts):
                stored = dataset.path.replace(OLD_LAYERS, "layers")
                yield known.get(stored) or _guess_stored(root, parts), dataset


def _guess_stored(root: Group, parts: list[str]) -> str:
    """Name of a variable whose role is not known: the path of its layer, and its number."""
    path = []
    for i, part in enumerate(parts):
        if part not in (*TOPS, "vars"):
            owner = root.get_group("/".join([*parts[: i + 1], "vars"]))
            named = owner.get_texts("name") if owner and i and parts[i - 1] in TOPS else None
            path.append(named[0] if named else part)
    return "/".join(path)
