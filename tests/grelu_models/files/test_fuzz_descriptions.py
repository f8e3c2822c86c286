"""Hostile architectures and values beside weights give a result or exactly one ModelError."""

from inspect import signature
from pathlib import Path

import pytest
import torch
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from grelu_models.card import measure_flanks, measure_geometry
from grelu_models.checkpoint import build_model, load
from grelu_models.description import describe, list_tracks
from grelu_models.files.adapters import ADAPTERS
from grelu_models.files.architecture import ARGUMENTS
from grelu_models.files.weights_file import open_weights
from grelu_models.models import ARCHITECTURES
from weights_fuzz import fuzz, outcome, use, write_valid_files


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Valid files of each format."""
    return write_valid_files(tmp_path_factory.mktemp("fuzz"))


FAMILIES = {name: list(signature(family).parameters) for name, family in ARCHITECTURES.items()}
FAMILIES |= {
    "borzoi-pytorch": [
        *("flashed", "head", "crop_len", "depth", "dim", "heads", "attn_dim_key"),
        *("attn_dim_value", "n_tasks"),
    ],
    "enformer-pytorch": [
        *("head", "crop_len", "dim", "depth", "heads", "attn_dim_key", "num_downsamples"),
        *("use_tf_gamma", "n_tasks"),
    ],
}
HUGE = [10**4200, -(10**4200), 2**63, 2**31, 10**6, 1e308, float("inf"), float("nan")]
ODD = [None, True, False, "", "auto", "3", "x\n", [], [3], [[]], {}, {"eps": "x"}, b"", {1: 2}]
VALUES = st.one_of(
    st.sampled_from([0, 1, 2, 3, 4, 6, 12, 100, 0.5, 1.5, 2.0, "max", "avg", "attn", "relu", -1]),
    st.sampled_from([*HUGE, *ODD]),
    st.integers(-3, 120_000),
    st.floats(),
)
BASES = {
    "ConvMLPModel": {"n_tasks": 2, "seq_len": 200},
    "ExplaiNNModel": {"n_tasks": 2, "in_len": 100},
    "borzoi-pytorch": {},
    "enformer-pytorch": {},
}


@st.composite
def architectures(draw):
    """An architecture of a family, with some hostile values."""
    family = draw(st.sampled_from(sorted(FAMILIES)))
    names = st.one_of(st.sampled_from(FAMILIES[family]), st.sampled_from(sorted(ARGUMENTS)))
    changed = draw(st.dictionaries(names, VALUES, max_size=3))
    known = {key: changed[key] for key in changed if key in FAMILIES[family]}
    given = known if draw(st.booleans()) else changed
    return {"model_type": family, **BASES.get(family, {"n_tasks": 2}), **given}


def _translate(described):
    """The architecture in our constructor arguments."""
    adapter = ADAPTERS.get(described.family.name)
    return adapter.describe(described.options) if adapter else described.architecture


@fuzz(30)
@given(architectures(), st.sampled_from([1, 96, 200, 4096, 524_288, 100_000_000]))
@example({"model_type": "ConvGRUModel", "n_tasks": 1, "n_gru": 100}, 100_000_000)
@example({"model_type": "EnformerModel", "n_tasks": 1, "n_conv": 1}, 100_000_000)
def test_hostile_architectures(folder, architecture, window):
    weights = folder / "plain.pt"
    outcome(load, weights, architecture=architecture, window=window)
    outcome(list_tracks, weights, architecture)
    described = outcome(lambda: describe(open_weights(weights), architecture=architecture))
    if described is None:
        return
    with torch.device("meta"):
        model = outcome(build_model, _translate(described))
    if model is not None and outcome(measure_geometry, model, window) is not None:
        measure_flanks(model, window)


@fuzz(60)
@given(
    st.dictionaries(
        st.sampled_from(
            ["window", "bin_size", "activation", "tracks", "train", "intervals", "architecture"]
        ),
        st.one_of(
            VALUES.filter(lambda value: not isinstance(value, int) or abs(value) < 2**70),
            st.lists(st.dictionaries(st.sampled_from(["name", "strand_pair"]), VALUES), max_size=3),
            st.fixed_dictionaries({"train": st.dictionaries(st.text(max_size=3), VALUES)}),
        ),
        min_size=1,
    )
)
def test_hostile_values_beside_weights(folder, stated):
    path = folder / "beside.safetensors"
    path.write_bytes((folder / "tensors.safetensors").read_bytes())
    known = yaml.safe_load((folder / "tensors.yaml").read_text())
    try:
        written = yaml.safe_dump({**known, **stated})
    except ValueError:  # more digits than Python converts
        return
    path.with_suffix(".yaml").write_text(written)
    use(path)


def test_every_adapter_is_among_the_families():
    assert set(FAMILIES) == {*ARCHITECTURES, *ADAPTERS}
