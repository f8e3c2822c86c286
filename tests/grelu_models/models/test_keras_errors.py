"""Keras models that are not supported, or whose files are not sound: one error each."""

from pathlib import Path

import numpy as np
import pytest
import torch

from grelu_models.checkpoint import load
from grelu_models.description import list_outputs
from grelu_models.errors import ModelError
from grelu_models.families import find_family
from grelu_models.files.keras.graph import read_graph
from grelu_models.files.weights_file import open_weights
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
    tiny_weights,
    write_h5,
)

KERAS = find_family("Keras")


def refuse(tmp_path, config: dict, weights: dict | None = None, **options) -> str:
    """The error of a model, without the path."""
    path = write_h5(tmp_path / "a.h5", config, weights or {"bases": {}})
    with pytest.raises(ModelError) as error:
        list_outputs(path, {"model_type": "Keras", **options})
        KERAS.load(open_weights(path), options)
    return str(error.value).removeprefix(f"{path}: ")


LAMBDA = layer("Lambda", "magic", "bases", function=["4wEAAAA=", None, None])


def test_a_lambda_layer_is_named(tmp_path):
    assert refuse(tmp_path, model(BASES, LAMBDA)) == (
        "layer 'magic' (Lambda) runs Python code, which is never read from a file: replace it by "
        "layers of Keras, or use the model_type of a family that supplies it"
    )


@pytest.mark.parametrize("kind", ["Lambda", "Mine>LogSum"])
@pytest.mark.parametrize(
    ("prefixes", "family"), [(["", "wo_bias_"], "ChromBPNet"), ([""], "BPNet"), (["x_"], None)]
)
def test_weights_of_a_bpnet_name_its_family(tmp_path, kind, prefixes, family):
    names = [f"{prefix}bpnet_1st_conv" for prefix in prefixes]
    convs = [layer("Conv1D", name, "bases", filters=2, kernel_size=[1]) for name in names]
    counts = layer(kind, "logcount_predictions", "bases", function=["4wEAAAA=", None, None])
    weights = {name: {f"{name}/kernel:0": np.zeros((1, 4, 2), "f4")} for name in names}
    path = write_h5(tmp_path / "a.h5", model(BASES, *convs, counts), {"bases": {}, **weights})
    with pytest.raises(ModelError) as error:
        list_outputs(path)
    way_out = (
        f"; its weights have the names of a {family}: set model.architecture to "
        f"model_type: {family}"
    )
    assert str(error.value).startswith(f"{path}: layer 'logcount_predictions' (")
    assert str(error.value).endswith(way_out) if family else "BPNet" not in str(error.value)


def test_a_layer_of_the_users_own_is_named(tmp_path):
    message = refuse(tmp_path, model(BASES, layer("Attend>Mine", "own", "bases")))
    assert message.startswith(
        "layer 'own' ('Attend>Mine') is not supported: model_type Keras knows Activation, "
    )


def test_a_function_of_the_users_own_is_named(tmp_path):
    own = {"class_name": "function", "config": "my_relu", "registered_name": "my_relu"}
    for given in (own, "my_relu"):
        message = refuse(tmp_path, model(BASES, dense(activation=given)))
        assert message.startswith(
            "layer 'd' (Dense): activation 'my_relu' is not one of Keras: use relu6, selu, "
        )


def test_a_layer_that_the_output_does_not_need_is_not_looked_at(tmp_path):
    config = model(BASES, dense(), LAMBDA, outputs=["d", "magic"])
    path = write_h5(tmp_path / "a.h5", config, DENSE)
    assert predict(path, draw_bases(0, 12), output="d").shape == (2, 2, 12)


def test_two_inputs_are_named(tmp_path):
    control = layer("InputLayer", "control", batch_input_shape=[None, 12, 1])
    config = model(BASES, control, layer("Flatten", "flat", "bases"))
    config["config"]["input_layers"].append(["control", 0, 0])
    assert refuse(tmp_path, config) == (
        "the model has 2 inputs (bases, control), but bases are the only one: save a model of one "
        "input, or use the model_type of a family that supplies others"
    )


def test_an_output_must_be_chosen(tmp_path):
    config = model(BASES, dense(), layer("Flatten", "flat", "bases"), outputs=["d", "flat"])
    assert refuse(tmp_path, config, DENSE) == (
        "the model has 2 outputs: choose one by its name or number in model.output "
        "(0: 'd', 1: 'flat')"
    )
    assert refuse(tmp_path, config, DENSE, output="profile") == (
        "the model has no output 'profile': it has 0: 'd', 1: 'flat'"
    )
    assert refuse(tmp_path, config, DENSE, output=2).startswith("the model has no output 2: it")
    path = write_h5(tmp_path / "a.h5", config, DENSE)
    assert predict(path, draw_bases(0, 12), output=1).shape == (2, 48, 1)


def test_an_option_misspelt(tmp_path):
    path = write_h5(tmp_path / "a.h5", TINY, tiny_weights())
    with pytest.raises(ModelError, match="^Keras has no option 'outputs': it takes output$"):
        load(path, architecture={"model_type": "Keras", "outputs": 1}, window=50)


def test_weights_alone_say_what_to_give(tmp_path):
    path = write_h5(tmp_path / "a.h5", None, tiny_weights(), group="")
    with pytest.raises(ModelError) as error:
        load(path, window=50)
    assert str(error.value) == (
        f"{path}: a file of weights alone, without the config of the model: save the whole model "
        "with model.save, or give the model_type of a family"
    )


def test_a_file_of_another_format(tmp_path):
    path = tmp_path / "a.pt"
    torch.save({"weight": torch.ones(2)}, path)
    with pytest.raises(ModelError, match="not a Keras model: model_type Keras needs a .h5 or"):
        load(path, architecture={"model_type": "Keras"}, window=50)


def test_weights_that_disagree_with_the_config_are_named(tmp_path):
    weights = tiny_weights()
    weights["first"]["first/kernel:0"] = np.zeros((5, 4, 7), "f4")
    del weights["norm"]["norm/beta:0"]
    weights["last"]["last/extra:0"] = np.zeros(2, "f4")
    path = write_h5(tmp_path / "a.h5", TINY, weights)
    with pytest.raises(ModelError) as error:
        load(path, window=50)
    assert str(error.value) == (
        f"{path}: the weights do not fit the config: "
        "'first/kernel' is (5, 4, 7) where the config has (5, 4, 3); "
        "'norm/beta' is missing; 'last/extra' is not part of the config"
    )


@pytest.mark.parametrize(
    ("last", "message"),
    [
        (dense() | {"class_name": "Conv1D"}, "kernel_size must be a whole number "),
        (
            layer("Conv1D", "c", "bases", filters=10**9, kernel_size=[3]),
            "filters must be a whole number from 1 to 1,000,000, not 1000000000",
        ),
        (
            layer("Conv1D", "c", "bases", filters=2, kernel_size=[3], data_format="channels_first"),
            "data_format 'channels_first' is not supported: use channels_last",
        ),
        (
            layer("Conv1D", "c", "bases", filters=2, kernel_size=[15]),
            "its input of 12 positions is shorter than 15",
        ),
        (layer("BatchNormalization", "c", "bases", axis=1), "it normalises along another axis "),
        (layer("GRU", "c", "bases", units=2, stateful=True), "stateful is not supported: "),
        (layer("Cropping1D", "c", "bases", cropping=[6, 6]), "it crops 6 + 6 of 12 positions"),
        (layer("Reshape", "c", "bases", target_shape=[5, 9]), "target_shape [5, 9] does not hold"),
    ],
)
def test_options_that_are_not_supported_are_named(tmp_path, last, message):
    found = refuse(tmp_path, model(BASES, last))
    assert found.startswith(f"layer '{last['name']}' ({last['class_name']}): {message}")


def test_an_input_of_something_else(tmp_path):
    wide = layer("InputLayer", "bases", batch_input_shape=[None, 12, 5])
    assert refuse(tmp_path, model(wide, dense())) == (
        "its input has shape (None, 12, 5), not (None, length, 4) with at most 2,097,152 bases"
    )


def test_a_layer_that_depends_on_itself(tmp_path):
    loop = layer("Dense", "d", "e", units=4)
    message = refuse(tmp_path, model(BASES, loop, layer("Dense", "e", "d", units=4)))
    assert message.endswith("its input depends on its own output")


def test_nested_models_that_multiply_are_refused():
    """Thirty models, each of which uses the next one twice."""
    inner = model(layer("InputLayer", "i", batch_input_shape=[None, None, 4]), name="m")
    inner["config"]["output_layers"] = [["i", 0, 0]]
    for _ in range(30):
        outer = model(layer("InputLayer", "i", batch_input_shape=[None, None, 4]), name="m")
        nested = {**layer("Functional", "m"), "config": inner["config"]}
        nested["inbound_nodes"] = [call("i", 0), call("m", 0)]
        outer["config"]["layers"].append(nested)
        outer["config"]["output_layers"] = [["m", 2, 0]]
        inner = outer
    with pytest.raises(ModelError, match="refused, its nested models are too large"):
        read_graph(Path("a.h5"), inner, version=3)


def test_long_recurrent_layers_are_refused(tmp_path):
    """They are measured by running them; a config can state any length."""
    long = layer("InputLayer", "bases", batch_input_shape=[None, 2**20, 4])
    for activation, most in (("tanh", "200,000"), ("relu", "20,000")):
        options = {"activation": activation, "recurrent_activation": "sigmoid"}
        config = model(long, layer("GRU", "g", "bases", units=2, **options))
        assert refuse(tmp_path, config) == (
            f"layer 'g' (GRU): refused, it runs over 1,048,576 positions (at most {most})"
        )


def test_large_outputs_are_refused(tmp_path):
    long = layer("InputLayer", "bases", batch_input_shape=[None, 2**20, 4])
    config = model(long, layer("Conv1D", "c", "bases", filters=10**6, kernel_size=[1]))
    assert refuse(tmp_path, config) == (
        "layer 'c' (Conv1D): refused, its output has the shape (None, 1048576, 1000000)"
    )
