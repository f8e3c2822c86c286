"""Damaged and hostile Keras files give a result or exactly one ModelError of one line."""

import json
from pathlib import Path

import h5py
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grelu_models.checkpoint import load
from grelu_models.files.keras.graph import read_graph
from grelu_models.files.weights_file import open_weights
from grelu_models.models.keras import KerasModel
from keras_files import TINY, layer, model, tiny_stored, tiny_weights, write_h5, write_keras
from weights_fuzz import DAMAGE, LEFT_OUT, PLACE, change_values, damage, fuzz, outcome, use


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Valid files of each layout."""
    folder = tmp_path_factory.mktemp("fuzz")
    write_h5(folder / "whole.h5", TINY, tiny_weights())
    write_h5(folder / "alone.h5", None, tiny_weights(), group="")
    write_keras(folder / "zip.keras", TINY, tiny_stored())
    return folder


def read(path: Path) -> None:
    """Read a file as a family does."""
    file = outcome(open_weights, path)
    if file is not None:
        outcome(lambda: getattr(file, "config", None))
        outcome(file.state_dict)


FLIPS = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), max_size=4)


@fuzz(150)
@given(st.sampled_from(["whole.h5", "alone.h5", "zip.keras"]), DAMAGE)
def test_damaged_files(folder, name, changes):
    copy = folder / f"damaged{Path(name).suffix}"
    copy.write_bytes(damage((folder / name).read_bytes(), changes))
    use(copy)


@fuzz(150)
@given(st.sampled_from(["whole.h5", "alone.h5"]), FLIPS)
def test_flipped_bytes_of_structures(folder, name, flips):
    """Zeros are left alone: most bytes of a file are unused parts of its structures."""
    data = bytearray((folder / name).read_bytes())
    used = [at for at, byte in enumerate(data) if byte]
    for place, mask in flips:
        data[used[int(place * len(used))]] ^= mask
    copy = folder / "flipped.h5"
    copy.write_bytes(data)
    read(copy)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


CHANGES = st.lists(st.tuples(PLACE, JSON | st.just(LEFT_OUT)), min_size=1, max_size=3)


LAYERS = {
    "Conv1D": ["filters", "kernel_size", "strides", "padding", "dilation_rate", "groups"],
    "SeparableConv1D": ["filters", "kernel_size", "depth_multiplier", "strides"],
    "DepthwiseConv1D": ["kernel_size", "depth_multiplier", "use_bias"],
    "Dense": ["units", "activation"],
    "GRU": ["units", "return_sequences", "reset_after", "activation", "recurrent_activation"],
    "LSTM": ["units", "go_backwards", "activation"],
    "Bidirectional": ["layer", "merge_mode"],
    "PReLU": ["shared_axes"],
    "LayerNormalization": ["axis", "epsilon"],
    "MaxPooling1D": ["pool_size", "strides", "padding"],
    "AveragePooling1D": ["pool_size", "strides", "padding"],
    "GlobalMaxPooling1D": ["keepdims"],
    "UpSampling1D": ["size"],
    "RepeatVector": ["n"],
    "Cropping1D": ["cropping"],
    "ZeroPadding1D": ["padding"],
    "Reshape": ["target_shape"],
    "Permute": ["dims"],
    "Softmax": ["axis"],
    "ReLU": ["max_value", "negative_slope", "threshold"],
    "Concatenate": ["axis"],
    "Flatten": [],
}
GRU = {"class_name": "GRU", "config": {"name": "g", "units": 2, "return_sequences": True}}
VALUES = st.one_of(
    st.sampled_from([1, 2, 3, 0, -1, 10**5, 10**9, 10**30, 1e308, float("nan"), True, None]),
    st.sampled_from(["same", "causal", "relu", "softmax", "hard_sigmoid", "sum", "x\n"]),
    st.sampled_from([[1], [2, 1], [-1, 2], [3, 3], [0, 0], [10**8, 10**8], [[1, 1]], [], GRU]),
    JSON,
)


@st.composite
def models(draw):
    """A model of any layers with hostile options, and no weights."""
    length = draw(st.sampled_from([None, 12, 60, 2**20]))
    chosen = draw(st.lists(st.sampled_from(sorted(LAYERS)), min_size=1, max_size=4))
    layers = [layer("InputLayer", "0", batch_input_shape=[None, length, 4])]
    for i, kind in enumerate(chosen, start=1):
        sound = {"filters": 2, "kernel_size": 3, "units": 2, "n": 2, "target_shape": [-1, 2]}
        sound |= {"dims": [2, 1], "layer": GRU}
        options = {name: sound[name] for name in LAYERS[kind] if name in sound}
        names = st.sampled_from(LAYERS[kind]) if LAYERS[kind] else st.nothing()
        options |= draw(st.dictionaries(names, VALUES, max_size=2)) if LAYERS[kind] else {}
        layers.append(layer(kind, str(i), str(i - 1), **options))
    return model(*layers)


@fuzz(100)
@given(models())
def test_hostile_options(folder, config):
    """A graph that is read can be built, and its shapes are those of the module."""
    graph = outcome(read_graph, folder / "a.h5", config, version=3)
    if graph is None:
        return
    with torch.device("meta"):
        built = KerasModel(graph)
    window = graph.window or 60
    with torch.inference_mode():
        try:
            out = built.to("meta").eval()(torch.empty(1, 4, window, device="meta"))
        except (RuntimeError, ValueError):
            assert graph.window is None or window > 60  # its shapes are not known before
            return
    unknown = graph.window is None and graph.channels is None  # flattened positions
    assert unknown or out.shape[1] == graph.channels


@fuzz(150)
@given(CHANGES, st.booleans())
def test_hostile_configs(folder, changes, zipped):
    config = change_values(json.loads(json.dumps(TINY)), changes)
    path = folder / ("config.keras" if zipped else "config.h5")
    if zipped:
        write_keras(path, config, tiny_stored())
    else:
        write_h5(path, config, tiny_weights())
    use(path)
    outcome(load, path, window=60)


NAME = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=10)


@fuzz(30)
@given(NAME, st.lists(NAME, max_size=5))
def test_hostile_names(folder, config, names):
    path = folder / "names.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = config
        file.attrs["layer_names"] = [name.encode() for name in names]
    read(path)
