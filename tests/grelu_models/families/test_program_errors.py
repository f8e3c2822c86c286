"""Hostile, damaged and unsuitable programs: nothing in them runs, and each is one error."""

import io
import json
import pickle
import subprocess
import sys
import zipfile

import pytest
import torch
from torch import nn

from grelu_models.checkpoint import load_unmeasured
from grelu_models.errors import ModelError
from program_files import Conv, Last, Profile, edit, export, random_windows


class Touch:
    """A pickle that writes a file when it is read."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return exec, (f"open({self.path!r}, 'w').close()",)


def test_nothing_in_a_hostile_program_runs(conv, tmp_path):
    mark = tmp_path / "ran"
    bomb = pickle.dumps(Touch(mark))
    pickle.loads(bomb)
    assert mark.exists()
    mark.unlink()
    text = f"open({str(mark)!r}, 'w').close()"

    def change(plain):
        graph = plain["graph_module"]["graph"]
        for value in graph["sym_int_values"].values():
            value["as_expr"]["expr_str"] = text
        for node in graph["nodes"]:
            node["metadata"]["torch_fn"] = text
        plain["range_constraints"] = {text: {"min_val": 0, "max_val": None}}
        plain["guards_code"] = [text]

    def members(held):
        name = next(name for name in held if name.endswith("sample_inputs/model.pt"))
        held[name] = bomb
        held[name.replace("sample_inputs", "aotinductor")] = bomb
        held[name.replace("data/sample_inputs/model.pt", "extra/notes.txt")] = bomb

    path = edit(conv[1], tmp_path / "hostile.pt2", change, members)
    model, _ = load_unmeasured(path)
    x = random_windows(2, (0, 4, 200))
    with torch.inference_mode():
        assert torch.allclose(model(x), conv[0](x), rtol=1e-5, atol=1e-6)
    assert not mark.exists()


def test_pickled_weights_are_refused_without_reading_them(conv, tmp_path):
    mark = tmp_path / "ran"
    buffer = io.BytesIO()
    torch.save(Touch(mark), buffer)

    def members(held):
        config = next(name for name in held if name.endswith("model_weights_config.json"))
        plain = json.loads(held[config])
        plain["config"]["conv.weight"]["use_pickle"] = True
        held[config] = json.dumps(plain).encode()
        held[config.replace("model_weights_config.json", "weight_0")] = buffer.getvalue()

    path = edit(conv[1], tmp_path / "hostile.pt2", members=members)
    with pytest.raises(
        ModelError, match="refused, 'conv.weight' is a pickled object, and reading i"
    ):
        load_unmeasured(path)
    assert not mark.exists()
    theirs = f"import torch\ntry: torch.export.load({str(path)!r})\nexcept Exception: pass"
    subprocess.run([sys.executable, "-c", theirs], capture_output=True, check=True)
    assert mark.exists()  # torch itself runs it: this is why its reader is not used


@pytest.mark.parametrize(
    "target",
    [
        "torch.ops.aten.from_file.default",
        "torch.load",
        "torch.hub.load",
        "torch.ops.higher_order.cond",
        "torch.ops.aten.rand.default",
        "torch.ops.aten.set_.source_Storage",
        "_operator.attrgetter",
        "math.factorial",
        "#custom:op",
    ],
)
def test_operators_outside_of_the_list_are_refused(conv, tmp_path, target):
    def change(plain):
        plain["graph_module"]["graph"]["nodes"][0]["target"] = target

    with pytest.raises(ModelError) as error:
        load_unmeasured(edit(conv[1], tmp_path / "hostile.pt2", change))
    assert str(error.value) == (
        f"{tmp_path}/hostile.pt2: refused, the program calls {target!r}, which is not in the list "
        "of operators that are run: load the module itself with model.python instead"
    )


def nodes(plain):
    return plain["graph_module"]["graph"]["nodes"]


def use_before(plain):
    nodes(plain).reverse()


def add_input(plain):
    specs = plain["graph_module"]["signature"]["input_specs"]
    specs.append({"user_input": {"arg": {"as_tensor": {"name": "control"}}}})


def allocate(plain):
    zeros = {
        "target": "torch.ops.aten.zeros.default",
        "inputs": [{"name": "size", "arg": {"as_ints": [2**40]}, "kind": 1}],
        "outputs": [{"as_tensor": {"name": "large"}}],
        "metadata": {},
    }
    nodes(plain).insert(0, zeros)


def repeat_input(plain):
    """As many values as 2 ** 40 windows have."""
    (spec,) = plain["graph_module"]["signature"]["input_specs"][-1].values()
    expand = {
        "target": "torch.ops.aten.repeat.default",
        "inputs": [
            {"name": "self", "arg": spec["arg"], "kind": 1},
            {"name": "repeats", "arg": {"as_ints": [1, 1, 2**40]}, "kind": 1},
        ],
        "outputs": [{"as_tensor": {"name": "large"}}],
        "metadata": {},
    }
    nodes(plain).insert(0, expand)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (use_before, "the program cannot be read: ValueError: 'mul' is used before|is used before"),
        (
            add_input,
            "the program has 2 inputs: x, control: it must take windows of one-hot bases on",
        ),
        (
            allocate,
            r"refused, a result of torch\.ops\.aten\.zeros\.default has 1,099,511,627,776 va",
        ),
        (repeat_input, r"refused, a result of torch\.ops\.aten\.repeat\.default has \d"),
        (lambda plain: plain.clear(), "the program cannot be read: KeyError: 'schema_version'"),
        (
            lambda plain: plain["schema_version"].update(major=9),
            "version 9 of the format is not kno",
        ),
    ],
)
def test_a_damaged_program_is_one_error(conv, tmp_path, change, message):
    path = edit(conv[1], tmp_path / "damaged.pt2", change)
    with pytest.raises(ModelError, match=message):
        model, _ = load_unmeasured(path)
        model(random_windows(1, (0, 4, 200)))


def test_a_missing_or_short_tensor_is_named(conv, tmp_path):
    def shorten(held):
        name = next(name for name in held if name.endswith("weight_0"))
        held[name] = held[name][:-4]

    with pytest.raises(
        ModelError, match=r"'conv\.weight' has 480 values, of which the file holds 4"
    ):
        load_unmeasured(edit(conv[1], tmp_path / "short.pt2", members=shorten))
    path = tmp_path / "flipped.pt2"
    data = bytearray(conv[1].read_bytes())
    with zipfile.ZipFile(conv[1]) as archive:
        at = archive.getinfo(next(n for n in archive.namelist() if n.endswith("weight_0")))
        with archive.open(at) as member:
            member.read(1)
            data[archive.fp.tell() - 1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="CRC"):
        load_unmeasured(path)


def test_a_module_in_training_mode_is_refused(tmp_path):
    module = Conv().train()
    torch.export.save(torch.export.export(module, (torch.randn(2, 4, 40),)), tmp_path / "t.pt2")
    with pytest.raises(ModelError, match=r"call model\.eval\(\) before torch\.export\.export"):
        load_unmeasured(tmp_path / "t.pt2")


def test_another_window_than_the_exported_one_is_refused(conv):
    model, _ = load_unmeasured(conv[1])
    with pytest.raises(
        ModelError, match=r"exported for windows of shape \(4, 200\), not \(4, 100\): "
    ):
        model(torch.zeros(1, 4, 100))


def test_several_outputs_need_a_choice(tmp_path):
    path = export(Profile(), tmp_path / "profile.pt2")
    with pytest.raises(ModelError, match="returns profile, signal: set model.output to one"):
        load_unmeasured(path)
    architecture = {"model_type": "torch-export", "output": "counts"}
    with pytest.raises(ModelError, match="returns profile, signal, not 'counts': set model.output"):
        load_unmeasured(path, architecture=architecture)


def test_an_output_of_another_shape_is_refused(tmp_path):
    path = export(Last(), tmp_path / "last.pt2", sizes=(2, 20, 4))
    with pytest.raises(
        ModelError, match=r"of shape \(any, 16\), where \(windows, bins, tracks\) is"
    ):
        load_unmeasured(path, architecture={"model_type": "torch-export", "output": 1})


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_is_refused_because_loading_it_runs_code(tmp_path):
    path = tmp_path / "script.pt"
    torch.jit.save(torch.jit.trace(nn.Conv1d(4, 3, 1), torch.zeros(1, 4, 10)), path)
    with pytest.raises(ModelError) as error:
        load_unmeasured(path)
    assert str(error.value) == (
        f"{path}: refused, a TorchScript file is code: torch.jit.load runs its __setstate__, and "
        "its operators may open files: export the module with torch.export instead, or trust the "
        "file and load it yourself: 'def build(weights): return torch.jit.load(weights)' in "
        "my_module.py, and model.python: my_module:build"
    )


def test_state_dicts_need_another_type(tmp_path):
    torch.save(nn.Conv1d(4, 3, 1).state_dict(), tmp_path / "plain.pt")
    with pytest.raises(
        ModelError, match="model_type torch-export needs a file of torch.export.save"
    ):
        load_unmeasured(tmp_path / "plain.pt", architecture={"model_type": "torch-export"})
