"""A changed graph of SpliceAI is walked to its end, or refused in one way."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from grelu_models.errors import ModelError
from grelu_models.families.spliceai_graph import WrongGraph, map_layers
from spliceai_files import list_layers
from weights_fuzz import fuzz

LAYERS = json.dumps(list_layers(80))
WORDS = ["add_1", "conv1d_3", "batch_normalization_2", "Conv1D", "Add", "relu", "epsilon", "config"]
TEXTS = ["", "a\nb", "x" * 2000, *WORDS]
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(TEXTS)
JSON = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["args", "config", "class_name", *WORDS]), inner)
    ),
    max_leaves=6,
)


@st.composite
def changed_layers(draw):
    """The layers, in which some values, at any depth, are others."""
    layers = json.loads(LAYERS)
    for _ in range(draw(st.integers(1, 3))):
        place, depth = layers, draw(st.integers(0, 6))
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if depth == 0 or not isinstance(place[key], dict | list):
                place[key] = draw(JSON)
                break
            place, depth = place[key], depth - 1
    return layers


@fuzz(200)
@given(changed_layers())
def test_changed_graphs(layers):
    try:
        modules, eps = map_layers(Path("a.h5"), {"config": {"layers": layers}}, 80)
        assert len(modules) == len({*modules.values()}) == 20 and 0 < eps < 1
    except (WrongGraph, ModelError) as error:
        assert str(error).isprintable() and len(str(error)) < 1000
