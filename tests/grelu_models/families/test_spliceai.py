"""The family of SpliceAI: what it states, and the layouts of weights that it reads."""

import json
from functools import partial
from pathlib import Path

import pytest
import torch

from cases import make_bases, sample
from grelu_models.checkpoint import load, load_unmeasured
from grelu_models.description import describe, list_outputs, pair_strands
from grelu_models.errors import ModelError
from grelu_models.files.weights_file import open_weights
from grelu_models.geometry import Geometry
from keras_files import model as make_config
from keras_files import write_h5
from spliceai_files import draw_weights, list_layers, name_tensors, write_keras2

REFERENCES = json.loads((Path(__file__).parent / "spliceai.json").read_text())
LENGTH = 520


def describe_file(path, **options):
    return describe(open_weights(path), architecture={"model_type": "SpliceAI", **options})


def load_file(path):
    return load_unmeasured(path, architecture={"model_type": "SpliceAI"})[0]


def save_torch(path, context, state=None):
    torch.save(state or name_tensors(context), path)
    return path


WRITERS = {"Keras": write_keras2, "OpenSpliceAI": save_torch}


@pytest.mark.parametrize("case", REFERENCES)
def test_values_equal_those_of_the_original(case, tmp_path):
    package, context = case.split(", ")
    path = WRITERS[package](tmp_path / "weights", int(context))
    model = load_file(path)
    with torch.inference_mode():
        found = model(make_bases(LENGTH))[:, :2]
    assert list(found.shape) == REFERENCES[case]["shape"] and not model.training
    expected = torch.tensor(REFERENCES[case]["values"])
    assert (sample(found, 60) - expected).abs().max() <= 1e-5 * expected.max()


@pytest.mark.parametrize("context", [80, 400, 2000, 10_000])
@pytest.mark.parametrize("layout", WRITERS)
def test_every_context_loads(layout, context, tmp_path):
    path = WRITERS[layout](tmp_path / "weights", context)
    model = load_file(path)
    assert model(torch.zeros(1, 4, context + 3)).shape == (1, 4, 3)
    assert describe_file(path).window == context + 5000


def test_weights_of_several_gpus_load(tmp_path):
    state = name_tensors(80)
    path = save_torch(tmp_path / "a.pt", 80, {f"module.{k}": v for k, v in state.items()})
    found = load_file(path).state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in state.items())


def test_layers_are_found_by_the_graph_not_by_their_names(tmp_path):
    layers = list_layers(80)
    text = json.dumps([layers, draw_weights(layers)], default=lambda array: array.tolist())
    for i, made in enumerate(layers):
        text = text.replace(f'"{made["name"]}"', f'"layer{7 * i % 41}"')
    renamed, _ = json.loads(text)
    weights = {
        renamed[i]["name"]: {name.replace(made["name"], "x"): array for name, array in each.items()}
        for i, (made, each) in enumerate(zip(layers, draw_weights(layers).values(), strict=True))
    }
    path = write_h5(tmp_path / "a.h5", make_config(*renamed), weights)
    found = load_file(path).state_dict()
    known = load_file(write_keras2(tmp_path / "b.h5", 80)).state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in known.items())


def test_its_measured_reach_is_its_context(tmp_path):
    path = write_keras2(tmp_path / "a.h5", 400)
    _, card = load(path, architecture={"model_type": "SpliceAI"}, window=5401)
    assert card.geometry == Geometry(window=5401, bin=1, crop=200, length=5001, tracks=4)
    assert card.flanks == (200, 200) and card.receptive_field == 401
    assert card.activation is None and card.notes == []  # longer windows keep the values


def test_it_states_four_tracks_of_two_strands(tmp_path):
    path = save_torch(tmp_path / "a.pt", 10_000)
    outputs = list_outputs(path, {"model_type": "SpliceAI"})
    assert [track["name"] for track in outputs.tracks] == [
        "acceptor+",
        "donor+",
        "acceptor-",
        "donor-",
    ]
    assert [track["strand"] for track in outputs.tracks] == ["+", "+", "-", "-"]
    assert pair_strands(path, outputs.tracks) == [2, 3, 0, 1]
    statement = outputs.statement
    assert (statement.window, statement.activation, statement.scale) == (
        15_000,
        None,
        "probability",
    )
    assert statement.longer_windows and statement.licence is None
    assert statement.refusal == (
        "each track of SpliceAI belongs to one strand, and those of the minus strand are already "
        "predicted from the reverse complement"
    )


def change(layers, name, **options):
    """The layers, with other options of one."""
    return [
        {**made, "config": made["config"] | options} if made["name"] == name else made
        for made in layers
    ]


def read_other(layers, name, sources):
    """The layers, one of which reads others."""
    nodes = [[[source, 0, 0, {}] for source in sources]]
    return [{**made, "inbound_nodes": nodes} if made["name"] == name else made for made in layers]


NOT_THERE = "the graph is not SpliceAI's: "


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            partial(change, name="activation_3", activation="elu"),
            NOT_THERE + "'batch_normalization_3' has 0 readers Activation (activation relu), not 1",
        ),
        (
            partial(change, name="conv1d_5", dilation_rate=[2]),
            NOT_THERE + "'activation_3' has 0 readers Conv1D (activation linear, kernel_size 11, "
            "strides 1, dilation_rate 1, padding same), not 1",
        ),
        (
            partial(change, name="conv1d_1", strides=[2]),
            NOT_THERE + "'input_1' has 0 readers Conv1D (activation linear, kernel_size 1, "
            "strides 1), not 1",
        ),
        (
            partial(change, name="conv1d_12", activation="sigmoid"),
            NOT_THERE + "'cropping1d_1' has 0 readers Conv1D (activation softmax, kernel_size 1, "
            "strides 1), not 1",
        ),
        (
            partial(change, name="batch_normalization_8", epsilon=0.1),
            NOT_THERE + "'conv1d_9' has 0 readers BatchNormalization (epsilon 0.001), not 1",
        ),
        (
            partial(change, name="cropping1d_1", cropping=[39, 40]),
            NOT_THERE + "'add_5' has 0 readers Cropping1D (cropping 40), not 1",
        ),
        (
            partial(read_other, name="add_2", sources=["conv1d_6", "conv1d_1"]),
            NOT_THERE + "'add_1' and 'conv1d_6' are not added",
        ),
        (
            partial(change, name="batch_normalization_1", epsilon="0.001"),
            "the epsilon of its batch norms is '0.001', not between 0 and 1",
        ),
        (
            partial(read_other, name="add_2", sources=[""]),
            "the inputs of layer 'add_2' are not readable",
        ),
    ],
)
def test_another_graph_is_refused(damage, message, tmp_path):
    path = write_keras2(tmp_path / "a.h5", 80, damage(list_layers(80)))
    with pytest.raises(ModelError) as error:
        load_file(path)
    assert str(error.value) == (
        f"{path}: {message}: use a model of SpliceAI's own program, or another model_type"
    )


def test_options_are_refused(tmp_path):
    path = save_torch(tmp_path / "a.pt", 80)
    with pytest.raises(ModelError, match="^SpliceAI has no option 'context': it takes none$"):
        describe_file(path, context=80)


@pytest.mark.parametrize("norms", [0, 7, 40])
def test_weights_of_another_depth_are_refused(norms, tmp_path):
    names = [f"block.{i}.running_var" for i in range(norms)] + ["conv.weight"]
    path = save_torch(tmp_path / "a.pt", 80, {name: torch.zeros(2) for name in names})
    with pytest.raises(ModelError) as error:
        describe_file(path)
    assert str(error.value) == (
        f"{path}: these weights have {norms} batch norms, where SpliceAI has 8, 16, 24 or 32 "
        "(80, 400, 2,000 or 10,000 bp of context): check model.architecture.model_type"
    )


def test_weights_without_their_graph_are_refused(tmp_path):
    path = write_h5(tmp_path / "a.h5", None, draw_weights(list_layers(80)), group="")
    with pytest.raises(ModelError) as error:
        load_file(path)
    assert str(error.value) == (
        f"{path}: these are weights without the graph of their layers: save the whole model in "
        "Keras (model.save), and give that file"
    )


def test_weights_and_config_that_disagree_are_refused(tmp_path):
    layers = list_layers(80)
    path = write_h5(tmp_path / "a.h5", make_config(*layers), draw_weights(layers, channels=3))
    with pytest.raises(ModelError, match=r"initial_skip\.conv\.weight is \(4, 3, 1\) where"):
        load_file(path)


def test_weights_of_another_model_are_refused(tmp_path):
    state = {f"block.{i}.running_var": torch.ones(2) for i in range(8)}
    path = save_torch(tmp_path / "a.pt", 80, state)
    with pytest.raises(ModelError) as error:
        load_file(path)
    assert str(error.value) == (
        f"{path}: neither a Keras file of SpliceAI nor a state dict of OpenSpliceAI, which "
        "has initial_conv.weight: check model.architecture.model_type"
    )


def test_a_tensor_that_is_missing_is_named(tmp_path):
    state = name_tensors(80)
    del state["residual_units.2.conv1.bias"]
    path = save_torch(tmp_path / "a.pt", 80, state)
    with pytest.raises(ModelError, match=r"residual_units\.2\.conv1\.bias is missing$"):
        load_file(path)
