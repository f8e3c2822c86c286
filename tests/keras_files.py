"""Small files of Keras models for tests, written by h5py in the layouts of Keras 2 and 3."""

import io
import json
import math
import re
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np

Weights = dict[str, dict[str, np.ndarray]]
"""Layer -> path of a variable within the layer's group -> values."""


def layer(kind: str, name: str, source: str | None = None, **options) -> dict:
    """The config of a layer in a Keras 2 model, with one input at most."""
    nodes = [] if source is None else [[[source, 0, 0, {}]]]
    config = {"name": name, **options}
    return {"class_name": kind, "name": name, "config": config, "inbound_nodes": nodes}


def model(*layers: dict, outputs: list[str] | None = None, name: str = "model") -> dict:
    """The config of a Functional model from its first layer to the last one, or to `outputs`."""
    ends = outputs or [layers[-1]["name"]]
    config = {
        "name": name,
        "layers": list(layers),
        "input_layers": [[layers[0]["name"], 0, 0]],
        "output_layers": [[end, 0, 0] for end in ends],
    }
    return {"class_name": "Functional", "config": config}


def write_h5(
    path: Path,
    config: object,
    weights: Weights,
    *,
    group: str = "model_weights",
    version: str | None = None,
) -> Path:
    """Write a `.h5` file; without a config if it is None, at the root if `group` is empty."""
    with h5py.File(path, "w") as file:
        if config is not None:
            file.attrs["model_config"] = json.dumps(config).encode()
        if version is not None:
            file.attrs["keras_version"] = version
        top = file.create_group(group) if group else file
        top.attrs["layer_names"] = [name.encode() for name in weights]
        top.attrs["backend"] = b"tensorflow"
        for name, variables in weights.items():
            part = top.create_group(name)
            part.attrs["weight_names"] = [each.encode() for each in variables]
            for each, values in variables.items():
                part[each] = values
    return path


def write_keras(path: Path, config: object, weights: dict[str, np.ndarray]) -> Path:
    """Write a `.keras` file of variables by their paths: `layers/conv1d/vars/0`."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, values in weights.items():
            file[name] = values
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", buffer.getvalue())
    return path


TINY = model(
    layer("InputLayer", "bases", batch_input_shape=[None, None, 4]),
    layer("Conv1D", "first", "bases", filters=3, kernel_size=[5], padding="same"),
    layer("BatchNormalization", "norm", "first"),
    layer("Dense", "last", "norm", units=2, activation="sigmoid"),
)
"""A model of a few layers."""


def tiny_weights(seed: int = 0) -> Weights:
    """Random weights of `TINY` as in a `.h5` file of Keras 2."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype("f4")

    return {
        "bases": {},
        "first": {"first/kernel:0": draw(5, 4, 3), "first/bias:0": draw(3)},
        "norm": {
            "norm/gamma:0": draw(3),
            "norm/beta:0": draw(3),
            "norm/moving_mean:0": draw(3),
            "norm/moving_variance:0": draw(3) ** 2,
        },
        "last": {"last/kernel:0": draw(3, 2), "last/bias:0": draw(2)},
    }


def tiny_stored(seed: int = 0) -> dict[str, np.ndarray]:
    """The same as in a `.keras` file."""
    kinds = {"first": "conv1d", "norm": "batch_normalization", "last": "dense"}
    return {
        f"layers/{kinds[name]}/vars/{i}": values
        for name, variables in tiny_weights(seed).items()
        for i, values in enumerate(variables.values())
    }


BASES = layer("InputLayer", "bases", batch_input_shape=[None, 12, 4])
"""An input of 12 bases."""

DENSE = {"d": {"d/kernel:0": np.linspace(-4, 4, 8, dtype="f4").reshape(4, 2)}}
"""Weights of `dense`."""


def dense(**options) -> dict:
    """A layer that reads `BASES`."""
    return layer("Dense", "d", "bases", units=2, use_bias=False, **options)


def call(name: str, node: int) -> list:
    """The inputs of a call: the output of one layer."""
    return [[name, node, 0, {}]]


def draw_values(name: str, shape: list[int]) -> np.ndarray:
    """Values of a variable that follow from its path: variances are positive."""
    count, seed = math.prod(shape), zlib.crc32(name.encode())
    x = np.arange(count, dtype=np.uint64) + np.uint64(seed)
    for factor in (1_640_531_513, 1_402_024_253, 1_103_515_245):
        x = (x * np.uint64(factor)) & np.uint64(0x7FFFFFFF)
        x ^= x >> np.uint64(15)
    noise = (x.astype("f8") / 2**30 - 1).astype("f4").reshape(shape)
    positive = "variance" in name or re.search(r"batch_normalization(_\d+)?/vars/", name)
    return 1 + np.float32(0.5) * noise if positive else np.float32(0.7) * noise


def draw_bases(seed: int, length: int) -> np.ndarray:
    """Two one-hot sequences (2, length, 4)."""
    codes = np.random.default_rng(seed).integers(0, 4, (2, length))
    return np.eye(4, dtype="f4")[codes]


def predict(path: Path, bases: np.ndarray, output: str | int | None = None) -> np.ndarray:
    """Predict from bases (N, length, 4) by model_type Keras: (N, tracks, bins)."""
    # Imported here: scripts that write references with other programs need none of our packages.
    import torch

    from grelu_models.families import find_family
    from grelu_models.files.weights_file import open_weights

    options = {} if output is None else {"output": output}
    file, family = open_weights(path), find_family("Keras")
    stated, model = family.state(file, options), family.load(file, options)
    with torch.inference_mode():
        found = model(torch.from_numpy(bases.transpose(0, 2, 1).copy()))
    assert stated.count == found.shape[1]
    return found.numpy()


def write_reference(path: Path, record: dict) -> Path:
    """Write the file of a record of `keras_references.json`."""
    if record["zipped"]:
        stored = {name: draw_values(name, shape) for name, shape in record["shapes"].items()}
        return write_keras(path, record["config"], stored)
    weights = {
        layer: {name: draw_values(f"{layer}/{name}", shape) for name, shape in part.items()}
        for layer, part in record["shapes"].items()
    }
    return write_h5(path, record["config"], weights)
