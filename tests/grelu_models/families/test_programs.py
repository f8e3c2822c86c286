"""Programs of torch.export: read without running anything in them, with the module's values."""

import pytest
import torch
from torch import nn

from grelu_models.checkpoint import load_unmeasured
from grelu_models.description import list_outputs
from grelu_models.files.program_operators import ATEN, CHECKS, is_in_place
from grelu_models.files.weights_file import open_weights
from program_files import Conv, Last, Odd, Profile, edit, export, random_windows


@pytest.mark.parametrize("dynamic", [True, False], ids=["any batch", "one window"])
@pytest.mark.parametrize(
    ("make", "output", "layout"),
    [
        (Conv, None, "NCL"),
        (Profile, "profile", "NCL"),
        (Profile, "signal", "NCL"),
        (Odd, None, "NCL"),
        (Last, 0, "NLC"),
    ],
)
def test_a_program_has_the_values_of_its_module(tmp_path, make, output, layout, dynamic):
    torch.manual_seed(0)
    module = make().eval()
    first, length = (
        2 if dynamic else 1,
        200 if layout == "NCL" else 20,
    )  # a GRU takes long to export
    sizes = (first, 4, length) if layout == "NCL" else (first, length, 4)
    path = export(module, tmp_path / "model.pt2", sizes=sizes, dynamic=dynamic)
    options = {} if output is None else {"output": output}
    model, _ = load_unmeasured(path, architecture={"model_type": "torch-export", **options})
    x = random_windows(3, (0, 4, length))
    with torch.inference_mode():
        wanted = module(x if layout == "NCL" else x.transpose(1, 2))
        wanted = wanted if output is None else wanted[output]
        wanted = wanted if layout == "NCL" else wanted.transpose(1, 2)
        assert torch.allclose(model(x), wanted, rtol=1e-5, atol=1e-6)


def test_type_window_and_tracks_are_those_of_the_file(conv):
    _, path = conv
    file = open_weights(path)
    assert file.metadata().window == 200
    assert file.shapes() == {name: tuple(t.shape) for name, t in file.state_dict().items()}
    outputs = list_outputs(path)
    assert len(outputs.tracks) == 3 and outputs.statement.layout == "NCL"


def test_the_input_is_not_changed_by_operators_that_write(conv):
    model, _ = load_unmeasured(conv[1])
    x = random_windows(2, (0, 4, 200))
    before = x.clone()
    with torch.inference_mode():
        first = model(x)
        assert torch.equal(x, before) and torch.equal(model(x), first)


def test_the_digest_covers_the_program(conv, tmp_path):
    def widen(plain):
        for node in plain["graph_module"]["graph"]["nodes"]:
            node["metadata"] = {}
            if "max_pool1d" in node["target"]:
                node["target"] = node["target"].replace("max", "avg")

    def drop_notes(plain):
        for node in plain["graph_module"]["graph"]["nodes"]:
            node["metadata"] = {"stack_trace": "elsewhere"}

    digest = load_unmeasured(conv[1])[1]
    assert load_unmeasured(edit(conv[1], tmp_path / "a.pt2", drop_notes))[1] == digest
    assert load_unmeasured(edit(conv[1], tmp_path / "b.pt2", widen))[1] != digest


def test_a_length_that_is_not_fixed_needs_no_window(tmp_path):
    module = nn.Conv1d(4, 2, 9, padding=4).eval()
    shapes = ({0: torch.export.Dim("windows"), 2: torch.export.Dim("bases")},)
    program = torch.export.export(module, (torch.randn(2, 4, 64),), dynamic_shapes=shapes)
    torch.export.save(program, tmp_path / "any.pt2")
    model, _ = load_unmeasured(tmp_path / "any.pt2")
    x = random_windows(3, (0, 4, 91))
    with torch.inference_mode():
        assert open_weights(tmp_path / "any.pt2").window is None
        assert torch.equal(model(x), module(x))


def test_every_operator_exists_and_only_those_with_the_mark_write():
    for target in ATEN | CHECKS:
        *_, name, overload = target.split(".")
        schema = getattr(getattr(torch.ops.aten, name), overload)._schema
        writes = [a.name for a in schema.arguments if a.alias_info and a.alias_info.is_write]
        assert bool(writes) == is_in_place(target), target
