"""Changed programs of torch.export give a model or one ModelError of one line, and end."""

import warnings
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from grelu_models.checkpoint import load_unmeasured
from grelu_models.description import list_outputs
from grelu_models.files.program_operators import ATEN
from program_files import PROGRAM, WEIGHTS, edit, export
from weights_fuzz import DAMAGE, PLACE, change_values, damage, fuzz, outcome


class Net(nn.Module):
    """One of each kind of operator, and arguments of many kinds."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv1d(4, 6, 5, padding=2, stride=2), nn.BatchNorm1d(6)
        self.linear, self.up = nn.Linear(6, 6), nn.Upsample(scale_factor=2)

    def forward(self, x):
        x = self.norm(nn.functional.gelu(self.conv(x)))
        one, two = self.linear(x.transpose(1, 2)).transpose(1, 2).split([2, 4], 1)
        x = torch.cat([one, two * torch.sigmoid(two)], 1).view(x.shape[0], 6, -1)
        x = nn.functional.pad(x, (1, 1)).amax(1, keepdim=True) + torch.zeros(3, 1)
        return self.up(nn.functional.max_pool1d(torch.where(x > 0, x, x.exp()), 2))


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> Path:
    path = export(Net(), tmp_path_factory.mktemp("program") / "program.pt2", sizes=(2, 4, 64))
    assert load_unmeasured(path)[0](torch.zeros(1, 4, 64)).shape == (1, 3, 34)
    return path


def use(path: Path) -> None:
    """Read a program as the workflow does, and run it."""
    outcome(list_outputs, path)
    loaded = outcome(load_unmeasured, path)
    if loaded:
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcome(loaded[0], torch.zeros(3, 4, 64))


@fuzz(40)
@given(DAMAGE)
def test_damaged_programs(program, changes):
    path = program.with_name("damaged.pt2")
    path.write_bytes(damage(program.read_bytes(), changes))
    use(path)


WHOLE = st.one_of(st.integers(-3, 70), st.sampled_from([2**31, 2**40, 2**62, -(2**63), 2**63]))
LEAF = st.one_of(
    WHOLE, st.none(), st.booleans(), st.floats(), st.sampled_from(["", "x", "linear", "as_int"])
)
VALUE = st.one_of(LEAF, st.lists(LEAF, max_size=3), st.dictionaries(st.just("as_int"), WHOLE))


@fuzz(60)
@given(st.booleans(), st.lists(st.tuples(PLACE, VALUE), min_size=1, max_size=2))
def test_programs_with_other_values(program, weights, changes):
    def change(plain):
        plain = plain if weights else plain["graph_module"]
        change_values(plain, changes, skip="metadata")  # notes on the source

    end = WEIGHTS if weights else PROGRAM
    use(edit(program, program.with_name("changed.pt2"), change, end=end))


@fuzz(40)
@given(st.lists(st.tuples(PLACE, st.sampled_from(sorted(ATEN))), min_size=1, max_size=3))
def test_programs_with_other_operators(program, changes):
    def change(plain):
        nodes = plain["graph_module"]["graph"]["nodes"]
        for place, target in changes:
            nodes[int(place * len(nodes))]["target"] = target

    use(edit(program, program.with_name("other.pt2"), change))
