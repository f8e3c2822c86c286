"""Loading is strict and safe, and measures the model itself."""

import pickle

import pytest
import torch
import yaml

from grelu_models.card import Geometry, digest_weights, measure_geometry
from grelu_models.checkpoint import build_model, load
from grelu_models.description import list_tracks
from grelu_models.errors import ModelError
from toys import ARCHITECTURE, write_model


def test_a_model_comes_with_its_card(tmp_path):
    model, card = load(write_model(tmp_path))
    assert card.geometry == Geometry(window=96, bin=4, crop=3, length=18, tracks=3)
    assert card.activation is None and not model.training
    assert [track["name"] for track in card.tracks] == ["one", "two/../etc", "three"]
    assert card.tracks[0]["assay"] == "ChIP"


def test_a_torch_state_dict_is_the_same_model(tmp_path):
    weights = write_model(tmp_path)
    model, card = load(weights)
    torch.save(model.state_dict(), tmp_path / "other.pt")
    _, other = load(tmp_path / "other.pt", architecture=ARCHITECTURE, window=96)
    assert other.digest == card.digest
    _, active = load(weights, activation="exp")
    assert active.digest != card.digest and active.activation == "exp"


@pytest.mark.parametrize(
    ("changes", "window", "geometry"),
    [
        ({}, 100, (100, 4, 3, 19, 3)),
        ({"crop_len": 0}, 96, (96, 4, 0, 24, 3)),
        ({"final_pool_func": "avg"}, 97, (97, None, 0, 1, 3)),
        ({"pool_func": None, "pool_size": None, "crop_len": "auto"}, 50, (50, 1, 7, 36, 3)),
        ({"n_conv": 1, "crop_len": 0}, 1, (1, 1, 0, 1, 3)),
    ],
)
def test_geometry_is_measured_by_a_forward_pass(changes, window, geometry):
    model = build_model({**ARCHITECTURE, **changes})
    assert measure_geometry(model, window) == Geometry(*geometry)
    with torch.inference_mode():
        assert model.eval()(torch.zeros(1, 4, window)).shape[1:] == (3, geometry[3])


@pytest.mark.parametrize("window", [97, 98, 99, 101, 31])
def test_a_window_that_is_not_a_multiple_of_the_bin_is_refused(window):
    low = window // 4 * 4
    message = (
        f"window {window} is not a multiple of 4 bp, which the model pools into one position: "
        f"use {low} or {low + 4}"
    )
    with pytest.raises(ModelError, match=message):
        measure_geometry(build_model(ARCHITECTURE), window)


def test_a_window_that_cropping_uses_up_is_refused():
    with pytest.raises(ModelError, match="cropping 3 positions at each end leaves nothing of 6"):
        measure_geometry(build_model(ARCHITECTURE), 24)


def test_weights_that_do_not_fit_are_named_tensor_by_tensor(tmp_path):
    weights = write_model(tmp_path)
    state = load(weights)[0].state_dict()
    state["head.extra"] = torch.zeros(1)
    del state["embedding.conv_tower.blocks.0.conv.bias"]
    state["embedding.conv_tower.blocks.1.conv.weight"] = torch.zeros(8, 8, 3)
    torch.save(state, tmp_path / "bad.pt")
    with pytest.raises(ModelError) as caught:
        load(tmp_path / "bad.pt", architecture=ARCHITECTURE, window=96)
    assert str(caught.value) == (
        f"{tmp_path}/bad.pt: the weights do not fit the architecture: "
        "embedding.conv_tower.blocks.0.conv.bias is missing; head.extra is not part of the model; "
        "embedding.conv_tower.blocks.1.conv.weight is (8, 8, 3) where the model has (8, 8, 5)"
    )


class Hostile:
    """Writes a file when it is unpickled without restrictions."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("form", ["torch", "pickle"])
def test_a_hostile_pickle_is_refused_and_executes_nothing(tmp_path, form):
    victim = tmp_path / "victim"
    path = tmp_path / "bad.pt"
    if form == "torch":
        torch.save({"weight": Hostile(victim)}, path)
    else:
        path.write_bytes(pickle.dumps({"weight": Hostile(victim)}, protocol=2))
    with pytest.raises(ModelError, match="bad.pt: refused, its pickle refers to io.open: only"):
        load(path, architecture=ARCHITECTURE, window=96)
    assert not victim.exists()


def test_a_file_without_weights_is_named_before_its_architecture_is_asked_for(tmp_path):
    path = tmp_path / "model.h5"
    path.write_text("<html>404</html>")
    with pytest.raises(ModelError, match="model.h5: no readable weights: neither safetensors, "):
        load(path)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ("a: [", r"model.yaml: not readable as YAML or JSON"),
        ("- 1", r"model.yaml: must hold keys and values"),
        ("windows: 3", r"model.yaml: unknown key 'windows': use architecture, window"),
        ("window: 96", r"the architecture is not known: give model.architecture"),
        ("!!python/object/apply:os.getcwd []", r"model.yaml: not readable as YAML or JSON"),
    ],
)
def test_bad_metadata_is_named(tmp_path, metadata, message):
    weights = write_model(tmp_path)
    weights.with_suffix(".yaml").write_text(metadata)
    with pytest.raises(ModelError, match=message):
        load(weights)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window": None}, "the window is not known: give model.window in base pairs"),
        ({"activation": "expo"}, "unknown activation 'expo': use logits, exp, sigmoid"),
        ({"tracks": [{"name": "one"}]}, "the metadata names 1 tracks, but the model has 3"),
        ({"tracks": [{"nam": "x"}] * 3}, "track 0 of the metadata needs a name"),
        (
            {"architecture": {**ARCHITECTURE, "model_type": "BorzoiNet"}},
            "unknown model_type 'BorzoiNet': use one of ConvModel, DilatedConvModel",
        ),
        (
            {"architecture": {**ARCHITECTURE, "stem": 3}},
            "ConvModel has no argument 'stem': it takes n_tasks, stem_channels",
        ),
    ],
)
def test_bad_descriptions_are_named(tmp_path, changes, message):
    weights = write_model(tmp_path)
    path = weights.with_suffix(".yaml")
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}))
    with pytest.raises(ModelError, match=message):
        load(weights)


def test_missing_and_damaged_weights_are_named(tmp_path):
    with pytest.raises(ModelError, match="gone.safetensors: no such weights file"):
        load(tmp_path / "gone.safetensors", architecture=ARCHITECTURE, window=96)
    weights = write_model(tmp_path)
    weights.write_bytes(weights.read_bytes()[:-9])
    with pytest.raises(ModelError, match="model.safetensors: no readable weights"):
        load(weights)


def test_tracks_are_listed_without_torch(tmp_path):
    weights = write_model(tmp_path)
    assert [track["name"] for track in list_tracks(weights)] == ["one", "two/../etc", "three"]
    weights.with_suffix(".yaml").unlink()
    assert list_tracks(weights, {"model_type": "ConvModel", "n_tasks": 2})[1] == {
        "name": "track_1",
        "description": "",
    }
    with pytest.raises(ModelError, match="the architecture needs n_tasks"):
        list_tracks(weights, {"model_type": "ConvModel"})


def test_digest_follows_values_names_and_description():
    state = {"a": torch.zeros(2), "b": torch.ones(2)}
    same = digest_weights({"b": torch.ones(2), "a": torch.zeros(2)}, "x")
    assert digest_weights(state, "x") == same
    others = [
        digest_weights(state, "y"),
        digest_weights({"a": torch.zeros(2), "c": torch.ones(2)}, "x"),
        digest_weights({"a": torch.zeros(2), "b": torch.tensor([1.0, 2.0])}, "x"),
        digest_weights({"a": torch.zeros(1, 2), "b": torch.ones(2)}, "x"),
    ]
    assert same not in others and len(set(others)) == 4
