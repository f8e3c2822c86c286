"""Foreign weights give the outputs that their own packages gave (adapter_references.json)."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch.nn.functional import softplus

from cases import fill_weights, one_hot, sample
from grelu_models import models
from grelu_models.adapters import ADAPTERS

REFERENCES = json.loads((Path(__file__).parent / "adapter_references.json").read_text())
BORZOI, ENFORMER = ADAPTERS["borzoi-pytorch"], ADAPTERS["enformer-pytorch"]


def make_state(shapes):
    """The tensors that the package had, from their names and shapes."""
    state = {
        name: torch.zeros(shape, dtype=torch.int64 if "num_batches" in name else torch.float32)
        for name, shape in shapes.items()
    }
    fill_weights(SimpleNamespace(state_dict=lambda: state))
    return state


def build(architecture):
    arguments = dict(architecture)
    with torch.device("meta"):
        return getattr(models, arguments.pop("model_type"))(**arguments).eval()


@pytest.mark.parametrize("case", REFERENCES)
def test_outputs_equal_the_packages_own(case):
    reference = REFERENCES[case]
    adapter, options = ADAPTERS[reference["package"]], reference["options"]
    model = build(adapter.describe(options))
    state = adapter.convert(make_state(reference["state"]), options)
    model.load_state_dict(state, strict=True, assign=True)
    with torch.inference_mode():
        found = softplus(model(one_hot(reference["length"])))
    assert list(found.shape) == reference["shape"]
    expected = torch.tensor(reference["values"])
    assert expected.std() > 0.01 * expected.max()
    assert (sample(found) - expected).abs().max() <= 1e-5 * expected.max()
