"""Programs of torch.export: read without running anything in them, with the module's values."""

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
from grelu_models.description import list_outputs
from grelu_models.errors import ModelError
from grelu_models.files.program_operators import ATEN, CHECKS, is_in_place
from grelu_models.files.weights_file import open_weights

BATCH = {0: torch.export.Dim("windows")}


class Conv(nn.Module):
    """What most models are made of."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv1d(4, 8, 15, padding=7), nn.BatchNorm1d(8)
        self.head, self.drop = nn.Conv1d(8, 3, 1), nn.Dropout(0.2)
        self.register_buffer("scale", torch.rand(3, 1), persistent=False)
        nn.init.uniform_(self.norm.running_mean)
        nn.init.uniform_(self.norm.running_var)

    def forward(self, x):
        x = nn.functional.relu(self.norm(self.conv(x)), inplace=True)
        return self.head(self.drop(nn.functional.max_pool1d(x, 4))) * self.scale


class Profile(nn.Module):
    """Several outputs, and shapes that depend on the number of windows."""

    def __init__(self):
        super().__init__()
        self.first, self.head = nn.Conv1d(4, 8, 21, padding=10), nn.Conv1d(8, 2, 15)
        self.rest = nn.ModuleList(nn.Conv1d(8, 8, 3, dilation=d, padding=d) for d in (2, 4))
        self.counts = nn.Linear(8, 1)

    def forward(self, x):
        x = torch.relu(self.first(x))
        for conv in self.rest:
            x = x + torch.relu(conv(x))
        profile = self.head(x)[:, :, 10:-10]
        counts = self.counts(x[:, :, 5:-5].mean(2))
        share = torch.softmax(profile.reshape(profile.shape[0], -1), -1).reshape(profile.shape)
        return {"profile": profile, "signal": share * torch.exp(counts)[:, :, None]}


class Last(nn.Module):
    """Channels last, attention, a recurrent layer, and a tuple of outputs."""

    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Linear(4, 16), nn.Linear(16, 3)
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.attention = nn.TransformerEncoder(layer, 1)
        self.gru = nn.GRU(16, 8, bidirectional=True, batch_first=True)

    def forward(self, x):
        x, _ = self.gru(self.attention(self.embed(x)))
        return self.head(x), torch.cat([part.sum(1) for part in x.chunk(2, 2)], 1)


class Odd(nn.Module):
    """Operators with lists, several results, symbolic arithmetic and constants."""

    def __init__(self):
        super().__init__()
        self.conv, self.up = nn.Conv1d(4, 6, 4, stride=2, padding=1), nn.Upsample(scale_factor=2)
        self.weight = nn.Parameter(torch.randn(6, 6))

    def forward(self, x):
        y = torch.einsum("ncl,cd->ndl", self.up(self.conv(x)), self.weight)
        y = torch.cat([y, y.flip(-1)], 1).view(x.shape[0] * 2, 6, -1)
        y = nn.functional.pad(y, (0, 1)).view(x.shape[0], 2, 6, -1).sum(1)[..., :-1]
        largest, _ = y.max(1, keepdim=True)
        one, two = y.split([2, 4], 1)
        y = torch.cat([one * torch.sigmoid(one), two], 1) + torch.arange(6.0)[:, None]
        return torch.where(y > largest, nn.functional.elu(y), y.clamp(-5, 5))


def export(module, path, *, sizes=(2, 4, 200), dynamic=True):
    torch.manual_seed(0)
    shapes = (BATCH,) if dynamic else None
    program = torch.export.export(module.eval(), (torch.randn(sizes),), dynamic_shapes=shapes)
    torch.export.save(program, path)
    return path


@pytest.fixture(scope="module")
def conv(tmp_path_factory):
    torch.manual_seed(0)
    module = Conv()
    return module, export(module, tmp_path_factory.mktemp("conv") / "conv.pt2")


def edit(path, to, change=lambda plain: None, members=lambda members: None):
    """Copy a program, with changes to its JSON and to the members of its archive."""
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    (main,) = (name for name in held if name.endswith("models/model.json"))
    plain = json.loads(held[main])
    change(plain)
    held[main] = json.dumps(plain).encode()
    members(held)
    with zipfile.ZipFile(to, "w") as archive:
        for name, data in held.items():
            archive.writestr(name, data)
    return to


def random_windows(count, sizes):
    return torch.randn(count, *sizes[1:], generator=torch.Generator().manual_seed(1))


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


def test_every_operator_exists_and_only_those_with_the_mark_write():
    for target in ATEN | CHECKS:
        *_, name, overload = target.split(".")
        schema = getattr(getattr(torch.ops.aten, name), overload)._schema
        writes = [a.name for a in schema.arguments if a.alias_info and a.alias_info.is_write]
        assert bool(writes) == is_in_place(target), target
