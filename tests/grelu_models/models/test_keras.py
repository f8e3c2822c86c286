"""Keras models as torch modules: stored outputs of Keras 3, and formulas by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from grelu_models.checkpoint import load
from keras_files import (
    BASES,
    DENSE,
    TINY,
    call,
    dense,
    draw_bases,
    layer,
    model,
    predict,
    tiny_stored,
    tiny_weights,
    write_h5,
    write_keras,
    write_reference,
)

REFERENCES = json.loads((Path(__file__).parent / "keras_references.json").read_text())


@pytest.mark.parametrize("record", REFERENCES, ids=lambda record: f"model {record['seed']}")
def test_outputs_are_those_of_keras(tmp_path, record):
    path = write_reference(tmp_path / ("a.keras" if record["zipped"] else "a.h5"), record)
    bases = draw_bases(record["seed"], record["length"])
    for name, wanted in record["outputs"].items():
        found = predict(path, bases, output=name)
        assert list(found.shape) == wanted["shape"]
        flat = found.ravel()
        values = flat[:: max(1, len(flat) // 40)]
        assert np.abs(values - wanted["values"]).max() <= 1e-5 * wanted["largest"]


def test_stored_models_have_all_kinds_of_layers():
    kinds = set()

    def collect(config: dict) -> None:
        kinds.add(config["class_name"])
        for inner in config["config"].get("layers", []):
            collect(inner)

    for record in REFERENCES:
        collect(record["config"])
    assert kinds >= {
        *("Conv1D", "SeparableConv1D", "DepthwiseConv1D", "Dense", "BatchNormalization"),
        *("LayerNormalization", "Bidirectional", "GRU", "LSTM", "MaxPooling1D", "Functional"),
        *("AveragePooling1D", "Concatenate", "Cropping1D", "UpSampling1D", "Sequential"),
    }


def test_a_whole_model_needs_no_description(tmp_path):
    for path in (
        write_h5(tmp_path / "a.h5", TINY, tiny_weights()),
        write_keras(tmp_path / "a.keras", TINY, tiny_stored()),
    ):
        loaded, card = load(path, window=50)
        assert card.architecture == {"model_type": "Keras"} and card.activation is None
        assert (card.geometry.bin, card.geometry.crop, card.geometry.tracks) == (1, 0, 2)
        assert [track["name"] for track in card.tracks] == ["track_0", "track_1"]
        assert card.flanks == (2, 2) and loaded(torch.zeros(1, 4, 50)).shape == (1, 2, 50)


def test_the_window_is_that_of_the_input_layer(tmp_path):
    config = json.loads(json.dumps(TINY))
    config["config"]["layers"][0]["config"]["batch_input_shape"][1] = 60
    _, card = load(write_h5(tmp_path / "a.h5", config, tiny_weights()))
    assert card.geometry.window == 60


def run(tmp_path, *layers: dict, weights: dict | None = None, version: str = "3.1") -> np.ndarray:
    """Write a model after `BASES`, and predict from the bases of seed 0."""
    path = write_h5(
        tmp_path / "a.h5", model(BASES, *layers), weights or {"bases": {}}, version=version
    )
    return predict(path, draw_bases(0, 12))


def test_hard_sigmoid_differs_between_keras_2_and_3(tmp_path):
    linear = run(tmp_path, dense(activation="linear"), weights=DENSE)
    two = run(tmp_path, dense(activation="hard_sigmoid"), weights=DENSE, version="2.4.0")
    three = run(tmp_path, dense(activation="hard_sigmoid"), weights=DENSE)
    assert np.allclose(two, np.clip(0.2 * linear + 0.5, 0, 1), atol=1e-6)
    assert np.allclose(three, np.clip(linear / 6 + 0.5, 0, 1), atol=1e-6)
    assert np.abs(two - three).max() > 0.05


def test_activations_can_be_layers_or_functions(tmp_path):
    linear = run(tmp_path, dense(), weights=DENSE)
    slope = {"class_name": "LeakyReLU", "config": {"alpha": 0.25}}
    found = run(tmp_path, dense(activation=slope), weights=DENSE)
    assert np.allclose(found, np.where(linear > 0, linear, 0.25 * linear))
    exact = {"class_name": "function", "config": "gelu", "registered_name": "gelu"}
    assert np.allclose(
        run(tmp_path, dense(activation=exact), weights=DENSE),
        torch.nn.functional.gelu(torch.from_numpy(linear)),
    )


def test_thresholds_of_relu(tmp_path):
    x = run(tmp_path, dense(), weights=DENSE)
    options = {"max_value": 2.0, "negative_slope": 0.5, "threshold": 1.0}
    found = run(tmp_path, dense(), layer("ReLU", "r", "d", **options), weights=DENSE)
    wanted = np.where(x >= 2, 2, np.where(x >= 1, x, 0.5 * (x - 1)))
    assert np.allclose(found, wanted)
    theta = layer("ThresholdedReLU", "t", "d", theta=1.5)
    assert np.allclose(run(tmp_path, dense(), theta, weights=DENSE), np.where(x > 1.5, x, 0))


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2), (4, 1), (5, 3)])
def test_padding_does_not_count_in_pools(tmp_path, size, stride):
    """As in TensorFlow. Keras on torch counts the last position twice instead."""
    x = draw_bases(0, 12).transpose(0, 2, 1)
    total = max((-(-12 // stride) - 1) * stride + size - 12, 0)
    starts = np.arange(-(-12 // stride)) * stride - total // 2
    spans = [x[:, :, max(start, 0) : start + size] for start in starts]
    for kind, reduce in (("Average", np.mean), ("Max", np.max)):
        options = {"pool_size": [size], "strides": [stride], "padding": "same"}
        found = run(tmp_path, layer(f"{kind}Pooling1D", "p", "bases", **options))
        wanted = np.stack([reduce(span, axis=2) for span in spans], axis=2)
        assert np.allclose(found, wanted, atol=1e-6)


def step_gru(x, kernel, recurrent, bias, *, reset_after):
    """A GRU position by position, by Keras' formulas: (L, C) -> (L, units)."""
    units, outputs = len(recurrent), []
    h = np.zeros(units)
    for row in x:
        z, r, n = np.split(row @ kernel + (bias[0] if reset_after else bias), 3)
        past = np.split(h @ recurrent + (bias[1] if reset_after else 0), 3)
        update = np.clip(0.2 * (z + past[0]) + 0.5, 0, 1)
        reset = np.clip(0.2 * (r + past[1]) + 0.5, 0, 1)
        last = reset * past[2] if reset_after else (reset * h) @ recurrent[:, 2 * units :]
        new = np.tanh(n + last)
        h = update * h + (1 - update) * new
        outputs.append(h)
    return np.array(outputs)


def test_gru_of_keras_2_resets_before_the_product(tmp_path):
    """Configs of Keras before 2.1 do not state reset_after."""
    rng = np.random.default_rng(0)
    values = {"kernel": (4, 9), "recurrent_kernel": (3, 9), "bias": (9,)}
    drawn = {name: rng.normal(size=shape).astype("f4") for name, shape in values.items()}
    weights = {"gru": {f"gru/{name}:0": value for name, value in drawn.items()}}
    options = {"units": 3, "activation": "tanh", "recurrent_activation": "hard_sigmoid"}
    gru = layer("GRU", "gru", "bases", return_sequences=True, **options)
    found = run(tmp_path, gru, weights=weights, version="2.0.5")
    bases = draw_bases(0, 12)
    for i in range(2):
        wanted = step_gru(bases[i], *drawn.values(), reset_after=False)
        assert np.allclose(found[i].T, wanted, atol=1e-5)


def test_a_gru_that_states_no_activations_has_the_defaults_of_keras(tmp_path):
    rng = np.random.default_rng(0)
    values = {"kernel": (4, 9), "recurrent_kernel": (3, 9), "bias": (2, 9)}
    drawn = {name: rng.normal(size=shape).astype("f4") for name, shape in values.items()}
    weights = {"gru": {f"gru/{name}:0": value for name, value in drawn.items()}}
    bare, stated = (
        run(
            tmp_path,
            layer("GRU", "gru", "bases", return_sequences=True, **options),
            weights=weights,
        )
        for options in (
            {"units": 3},
            {"units": 3, "activation": "tanh", "recurrent_activation": "sigmoid"},
        )
    )
    assert np.array_equal(bare, stated)
    options = {"units": 3, "activation": None, "recurrent_activation": "sigmoid"}
    gru = layer("GRU", "gru", "bases", return_sequences=True, **options)
    assert not np.allclose(run(tmp_path, gru, weights=weights), stated)


@pytest.mark.parametrize("first", [0, 1])
def test_calls_of_a_nested_model_count_from_0_or_1(tmp_path, first):
    """Keras 2 counts from 1; Keras 3 counts from 0 within a model."""
    inner = [layer("InputLayer", "i", batch_input_shape=[None, None, 4])]
    inner.append(layer("Dense", "scale", "i", units=4, use_bias=False))
    tower = {**layer("Functional", "tower"), "config": model(*inner, name="tower")["config"]}
    tower["inbound_nodes"] = [call("bases", 0), call("tower", first)]
    add = {**layer("Subtract", "sub"), "inbound_nodes": [[*call("tower", first)]]}
    add["inbound_nodes"][0] += call("tower", first + 1)
    weights = {"tower": {"scale/kernel:0": np.full((4, 4), 0.5, "f4")}}
    found = run(tmp_path, tower, add, weights=weights, version="2.9.0")
    assert np.allclose(found, 0.5 - 1)


def test_sequential_models_of_keras_2(tmp_path):
    """Without an InputLayer, and with the layers in place of the options."""
    first = layer("Dense", "d", units=2, use_bias=False, batch_input_shape=[None, None, 4])
    for config in ([first], {"name": "s", "layers": [first]}):
        path = write_h5(tmp_path / "a.h5", {"class_name": "Sequential", "config": config}, DENSE)
        assert np.allclose(predict(path, draw_bases(0, 12)), run(tmp_path, dense(), weights=DENSE))
