"""A changed graph of SpliceAI is walked to its end, or refused in one way."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from grelu_models.errors import ModelError
from grelu_models.families.spliceai_graph import WrongGraph, map_layers
from spliceai_files import list_layers
from weights_fuzz import PLACE, change_values, fuzz

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


@fuzz(200)
@given(st.lists(st.tuples(PLACE, JSON), min_size=1, max_size=3))
def test_changed_graphs(changes):
    layers = change_values(json.loads(LAYERS), changes)
    try:
        modules, eps = map_layers(Path("a.h5"), {"config": {"layers": layers}}, 80)
        assert len(modules) == len({*modules.values()}) == 20 and 0 < eps < 1
    except (WrongGraph, ModelError) as error:
        assert str(error).isprintable() and len(str(error)) < 1000
