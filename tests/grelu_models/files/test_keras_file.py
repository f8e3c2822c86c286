"""Keras files of each layout give the same config and the same names of variables."""

import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from grelu_models.errors import ModelError
from grelu_models.files.keras_file import KerasFile
from grelu_models.files.metadata import Metadata
from grelu_models.files.torch_file import TorchZipFile
from grelu_models.files.weights_file import open_weights
from keras_files import (
    TINY,
    layer,
    model,
    tiny_stored,
    tiny_weights,
    write_h5,
    write_keras,
)

NAMES = [
    "first/kernel",
    "first/bias",
    "norm/gamma",
    "norm/beta",
    "norm/moving_mean",
    "norm/moving_variance",
    "last/kernel",
    "last/bias",
]
VALUES = dict(
    zip(NAMES, [v for part in tiny_weights().values() for v in part.values()], strict=True)
)


def check(path: Path, config: object = TINY) -> None:
    """Compare a file with the tiny model."""
    file = open_weights(path)
    assert isinstance(file, KerasFile) and file.config == config
    assert file.metadata() == Metadata(architecture={"model_type": "Keras"})
    state = file.state_dict()
    assert sorted(state) == sorted(NAMES)
    assert all(np.array_equal(state[name].numpy(), VALUES[name]) for name in NAMES)


def test_h5_of_keras_2(tmp_path):
    check(write_h5(tmp_path / "a.h5", TINY, tiny_weights()))


def test_h5_of_keras_3(tmp_path):
    weights = {
        name: {path.removesuffix(":0"): values for path, values in part.items()}
        for name, part in tiny_weights().items()
    }
    check(write_h5(tmp_path / "a.hdf5", TINY, weights))


def test_h5_of_weights_alone_at_the_root(tmp_path):
    check(write_h5(tmp_path / "a.h5", None, tiny_weights(), group=""), None)


def test_keras_zip(tmp_path):
    check(write_keras(tmp_path / "a.keras", TINY, tiny_stored()))


def test_keras_zip_of_tensorflow(tmp_path):
    old = {
        path.replace("layers/", "_layer_checkpoint_dependencies/"): values
        for path, values in tiny_stored().items()
    }
    check(write_keras(tmp_path / "a.keras", TINY, old))


def test_formats_are_recognised_by_their_bytes(tmp_path):
    check(write_h5(tmp_path / "a.pt", TINY, tiny_weights()))
    check(write_keras(tmp_path / "b.h5", TINY, tiny_stored()))
    torch.save({"weight": torch.ones(2)}, tmp_path / "c.h5")
    assert isinstance(open_weights(tmp_path / "c.h5"), TorchZipFile)
    assert list(open_weights(tmp_path / "c.h5").state_dict()) == ["weight"]


def test_names_that_a_second_session_of_tensorflow_numbers(tmp_path):
    weights = {
        name: {path.replace("/", "_1/"): values for path, values in part.items()}
        for name, part in tiny_weights().items()
    }
    check(write_h5(tmp_path / "a.h5", TINY, weights))


def test_long_lists_of_names_are_joined(tmp_path):
    path = write_h5(tmp_path / "a.h5", TINY, tiny_weights())
    with h5py.File(path, "a") as file:
        names = file["model_weights"].attrs.pop("layer_names")
        file["model_weights"].attrs["layer_names0"] = names[:2]
        file["model_weights"].attrs["layer_names1"] = names[2:]
    check(path)


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("f4")


NESTED = model(
    layer("InputLayer", "bases", batch_input_shape=[None, None, 4]),
    {
        **layer("Functional", "tower", "bases"),
        "config": model(
            layer("InputLayer", "inner", batch_input_shape=[None, None, 4]),
            layer("Dense", "frozen", "inner", units=3, trainable=False),
            layer("BatchNormalization", "norm", "frozen"),
            layer("Dense", "free", "norm", units=2, use_bias=False),
            name="tower",
        )["config"],
    },
    layer(
        "Bidirectional",
        "rnn",
        "tower",
        layer={"class_name": "GRU", "config": {"name": "gru", "units": 2}},
    ),
    layer("Strange", "own", "rnn"),
)
PARTS = {
    "tower/frozen/kernel": draw(4, 3),
    "tower/frozen/bias": draw(3),
    "tower/norm/gamma": draw(3),
    "tower/norm/beta": draw(3) + 1,
    "tower/norm/moving_mean": draw(3) + 2,
    "tower/norm/moving_variance": draw(3) + 3,
    "tower/free/kernel": draw(3, 2),
    "rnn/forward/kernel": draw(2, 6),
    "rnn/forward/recurrent_kernel": draw(2, 6) + 1,
    "rnn/forward/bias": draw(2, 6) + 2,
    "rnn/backward/kernel": draw(2, 6) + 3,
    "rnn/backward/recurrent_kernel": draw(2, 6) + 4,
    "rnn/backward/bias": draw(2, 6) + 5,
}


def test_layers_of_nested_models_have_paths_in_h5(tmp_path):
    """Keras lists what is trained first, and names inner layers without their model."""
    order = [3, 4, 7, 1, 2, 5, 6]
    tower = [list(PARTS)[i - 1] for i in order]
    weights = {
        "tower": {f"{name.removeprefix('tower/')}:0": PARTS[name] for name in tower},
        "rnn": {
            f"rnn/{way}_gru/gru_cell_{i}/{role}:0": PARTS[f"rnn/{way}/{role}"]
            for i, way in enumerate(("forward", "backward"))
            for role in ("kernel", "recurrent_kernel", "bias")
        },
        "own": {"own/table:0": draw(7)},
    }
    found = KerasFile(write_h5(tmp_path / "a.h5", NESTED, weights)).read_variables()
    assert sorted(found) == sorted([*PARTS, "own/table"])
    assert all(np.array_equal(found[name], PARTS[name]) for name in PARTS)


def test_layers_of_nested_models_have_paths_in_keras(tmp_path):
    stored = {"frozen": "dense", "norm": "batch_normalization", "free": "dense_1"}
    counters: dict[str, int] = {}
    weights = {"layers/strange/vars/0": draw(7), "layers/dropout/seed_generator/vars/0": draw(2)}
    weights["optimizer/vars/0"] = draw(3)
    for name, values in PARTS.items():
        top, part, _ = name.split("/")
        i = counters[f"{top}/{part}"] = counters.get(f"{top}/{part}", -1) + 1
        folder = f"bidirectional/{part}_layer/cell"
        if top == "tower":
            folder = f"functional/layers/{stored[part]}"
        weights[f"layers/{folder}/vars/{i}"] = values
    found = KerasFile(
        write_keras(tmp_path / "a.keras", NESTED, weights), zipped=True
    ).read_variables()
    assert sorted(found) == sorted([*PARTS, "strange/0"])
    assert all(np.array_equal(found[name], PARTS[name]) for name in PARTS)


def refuse(path: Path) -> str:
    """The error of a file."""
    file = open_weights(path)
    with pytest.raises(ModelError) as error:
        assert file.config is not None
        file.state_dict()
    return str(error.value)


def test_missing_weights_are_named(tmp_path):
    path = write_h5(tmp_path / "a.h5", TINY, tiny_weights())
    with h5py.File(path, "a") as file:
        del file["model_weights/last/last/bias:0"]
    assert refuse(path) == f"{path}: 'last/bias' is missing: fetch it again"


def test_layers_without_names_of_weights(tmp_path):
    path = write_h5(tmp_path / "a.h5", TINY, tiny_weights())
    with h5py.File(path, "a") as file:
        del file["model_weights/norm"].attrs["weight_names"]
    assert refuse(path) == f"{path}: layer 'norm' has no weight_names: fetch it again"


def test_hdf5_of_something_else(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["matrix"] = np.zeros(3)
    with pytest.raises(ModelError) as error:
        open_weights(path).state_dict()
    assert str(error.value) == (
        f"{path}: no weights of a Keras model: it has neither layer_names nor layers"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "its config is not readable JSON: Expecting property name"),
        ("[" * 100_000, "its config is not readable JSON: "),
        ("[" * 150 + "]" * 150, "config: refused, more than 100 levels of nested values"),
        ("[1, 2]", "its config is not that of a Keras model"),
        ('{"class_name": "Model", "config": 3}', "its config is not that of a Keras model"),
    ],
)
def test_damaged_configs(tmp_path, text, reason):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = text
    assert refuse(path).startswith(f"{path}: {reason}")


def test_a_config_that_unpacks_to_too_much(tmp_path):
    path = tmp_path / "a.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", json.dumps(" " * 33 * 2**20))
        archive.writestr("model.weights.h5", b"")
    assert refuse(path) == (f"{path}: refused, its config has more than 33,554,432 characters")


def test_a_damaged_member_is_found_by_its_crc(tmp_path):
    path = write_keras(tmp_path / "a.keras", TINY, tiny_stored())
    data = bytearray(path.read_bytes())
    data[data.index(VALUES["last/kernel"].tobytes())] ^= 1
    path.write_bytes(data)
    assert "damaged or truncated, fetch it again: Bad CRC-32" in refuse(path)
