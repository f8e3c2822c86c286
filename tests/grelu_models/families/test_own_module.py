"""Modules of the user's own: found without running, run as asked, and errors in one line."""

import re
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from grelu_models.checkpoint import compute_digest, load_unmeasured
from grelu_models.description import list_outputs
from grelu_models.errors import ModelError
from grelu_models.families.own_code import find_code
from grelu_models.models.own import check_values

SOURCE = """
from pathlib import Path

import torch
from torch import nn

with open("ran.txt", "a") as file:
    file.write("ran\\n")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(4, 3, 5, padding=2)

    def forward(self, x):
        return self.conv(x)


class Last(Net):
    def forward(self, x):
        return self.conv(x.transpose(1, 2)).transpose(1, 2)


class Several(Net):
    def forward(self, x):
        return {"signal": self.conv(x), "counts": self.conv(x).mean(2)}


def build():
    return Net()


def build_last():
    return Last()


def build_several():
    return Several()


def build_from(weights):
    model = Net()
    model.load_state_dict(torch.load(weights, weights_only=True))
    return model


def build_two(weights, tracks):
    return Net()


def build_pair():
    class Pair(Net):
        def forward(self, x):
            return self.conv(x), 2 * self.conv(x)

    return Pair()


def build_nothing():
    return None


def build_raising(weights):
    raise ValueError("no such option\\nmore")


def build_leaving(weights):
    raise SystemExit(3)


def build_failing():
    class Failing(Net):
        def forward(self, x):
            return self.conv(x[:, :3])

    return Failing()


def build_flat():
    class Flat(Net):
        def forward(self, x):
            return self.conv(x).mean(2)

    return Flat()


def build_whole():
    class Whole(Net):
        def forward(self, x):
            return self.conv(x).long()

    return Whole()


def build_nan(weights):
    model = Net()
    nn.init.constant_(model.conv.bias, float("nan"))
    return model


class build_text(Net):
    def forward(self, x):
        return "text"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with `own.py`, and the weights of its module."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "own", None)
    del sys.modules["own"]
    Path("own.py").write_text(SOURCE)
    torch.manual_seed(0)
    torch.save({f"conv.{k}": v for k, v in nn.Conv1d(4, 3, 5).state_dict().items()}, "own.pt")
    return tmp_path


def load(name, options=None):
    model, _ = load_unmeasured("own.pt", architecture=options or {}, code=find_code(f"own:{name}"))
    check_values(model, 50, source="own.py")
    return model


def compute(x):
    state = torch.load("own.pt", weights_only=True)
    return nn.functional.conv1d(x, state["conv.weight"], state["conv.bias"], padding=2)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("build", {}),
        ("build_from", {}),
        ("Net", {}),
        ("build_last", {"layout": "NLC"}),
        ("build_several", {"output": "signal"}),
        ("build_pair", {"output": 0}),
    ],
)
def test_the_model_is_that_of_the_function_with_the_weights_of_the_file(folder, name, options):
    x = torch.randn(3, 4, 40)
    model = load(name, options)
    assert not model.training
    with torch.inference_mode():
        assert torch.equal(model(x), compute(x))


def test_an_index_chooses_an_output(folder):
    x = torch.randn(1, 4, 40)
    assert torch.allclose(load("build_pair", {"output": 1})(x), 2 * compute(x))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "missing",
            {},
            "model.python: own.py has no function missing: it has Last, Net, Several, ",
        ),
        ("nn", {}, "model.python: own.py has no function nn: it has "),
        (
            "Path",
            {},
            "model.python: Path is not defined in own.py: name the module that defines it",
        ),
        (
            "build_two",
            {},
            "build_two of own.py needs weights, tracks: it must take the path of the",
        ),
        (
            "build_nothing",
            {},
            "build_nothing of own.py returns None: it must return a torch.nn.Mod",
        ),
        (
            "build_raising",
            {},
            "own.py:{raise ValueError}: the code of model.python raised ValueError: no such option",
        ),
        (
            "build_leaving",
            {},
            "own.py:{raise SystemExit}: the code of model.python raised SystemExit: 3",
        ),
        (
            "build_failing",
            {},
            "own.py:{x[:, :3]}: the code of model.python raised RuntimeError: Given groups",
        ),
        (
            "build_flat",
            {},
            "own.py: for windows of shape (2, 4, 50), the module returns float32 of shape (2, 3), "
            "where floats of shape (2, tracks, bins) are wanted",
        ),
        (
            "build_last",
            {},
            "own.py:{.transpose}: the code of model.python raised RuntimeError: Given",
        ),
        ("build_whole", {}, "the module returns int64 of shape (2, 3, 50), where floats of shape"),
        ("build_nan", {}, "own.py: the model returns nan for a window of random bases (300 of 300"),
        ("build_text", {}, "own.py: the module returns a str where a tensor is wanted"),
        (
            "build_several",
            {},
            "returns a dict with the keys signal, counts: set model.output to one",
        ),
        (
            "build_several",
            {"output": "profile"},
            "returns a dict with the keys signal, counts, not 'profile': set model.output to one",
        ),
        ("build_pair", {"output": 2}, "a tuple with the indices 0, 1, not 2: set model.output"),
        (
            "build",
            {"output": "a"},
            "model.output is 'a', but the module returns one tensor: remove",
        ),
        ("build", {"size": 3}, "python has no option 'size': it takes n_tasks, layout, output"),
        ("build", {"layout": "NHWC"}, "python: layout must be NCL or NLC, not 'NHWC'"),
        (
            "build",
            {"model_type": "ConvModel"},
            "model.architecture: model_type 'ConvModel' and model.python are two models: remove "
            "one",
        ),
    ],
)
def test_what_is_wrong_is_one_line(folder, name, options, message):
    for found in re.findall(r"{([^{}]+)}", message):
        lines = [i for i, line in enumerate(SOURCE.split("\n"), 1) if found in line]
        message = message.replace(f"{{{found}}}", str(lines[0]))
    with pytest.raises(ModelError) as error:
        load(name, options)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_weights_that_do_not_fit_are_named(folder):
    torch.save({"conv.weight": torch.zeros(3, 4, 7), "bias": torch.zeros(3)}, "own.pt")
    with pytest.raises(
        ModelError, match=r"own\.pt: the weights do not fit .*conv\.bias is missing"
    ):
        load("build")


@pytest.mark.parametrize(
    ("function", "path", "message"),
    [
        ("own", None, "model.python: 'own' is not of the form module:function"),
        ("own:a b", None, "model.python: 'own:a b' is not of the form module:function"),
        ("../own:build", None, "model.python: '../own:build' is not of the form module:function"),
        ("nowhere:build", None, "there is no nowhere.py in {}, and no installed module nowhere: "),
        (
            "a.b:build",
            None,
            "model.python: there is no a/b.py in {}, and no installed module a.b: ",
        ),
        ("own:build", "missing", "model.python_path: missing: no such folder: correct it"),
    ],
)
def test_a_module_that_is_not_found_is_named_with_where_it_was_searched(
    folder, function, path, message
):
    with pytest.raises(ModelError) as error:
        find_code(function, path)
    assert message.format(folder) in str(error.value)


def test_code_that_is_no_python_is_named_with_its_line(folder):
    Path("own.py").write_text("x = 1\ny = = 2\n")
    with pytest.raises(ModelError, match=r"^own\.py:2: the code of model\.python raised SyntaxErr"):
        load("build")


def test_nothing_runs_until_the_model_is_loaded(folder):
    code = find_code("own:build")
    outputs = list_outputs(Path("own.pt"), {"n_tasks": 3}, code=code)
    compute_digest("own.pt", code=code)
    assert len(outputs.tracks) == 3 and not Path("ran.txt").exists()
    load("build")
    assert Path("ran.txt").exists()


def test_the_number_of_tracks_must_be_given(folder):
    with pytest.raises(ModelError, match="own:build is not run to count the tracks: set model.tra"):
        list_outputs(Path("own.pt"), code=find_code("own:build"))


@pytest.mark.parametrize("where", ["caller", "beside", "checkpoint"])
def test_no_file_and_no_architecture_can_run_code(folder, where):
    architecture = {"model_type": "python", "function": "own:build"}
    if where == "beside":
        Path("own.yaml").write_text("architecture: {model_type: python, function: 'own:build'}")
    if where == "checkpoint":
        state = torch.load("own.pt", weights_only=True)
        parameters = {"model_params": architecture, "train_params": {}, "data_params": {}}
        state = {f"model.{name}": value for name, value in state.items()}
        content = {"state_dict": state, "hyper_parameters": parameters}
        torch.save({**content, "pytorch-lightning_version": "2"}, "own.pt")
    with pytest.raises(ModelError) as error:
        load_unmeasured("own.pt", architecture=architecture if where == "caller" else None)
    assert str(error.value) == (
        "own.pt: model_type python would run code, which neither a file nor model.architecture can "
        "ask for: set model.python to module:function in the config"
    )
    assert not Path("ran.txt").exists()


def test_the_digest_covers_source_function_weights_and_options(folder):
    def digest(name="build", options=None):
        return load_unmeasured("own.pt", architecture=options, code=find_code(f"own:{name}"))[1]

    first = digest()
    found = {first, digest("Net"), digest(options={"layout": "NCL"})}
    assert compute_digest("own.pt", code=find_code("own:build")) == first
    weights = Path("own.pt").read_bytes()
    torch.save({"conv.weight": torch.zeros(3, 4, 5), "conv.bias": torch.zeros(3)}, "own.pt")
    found.add(digest())
    Path("own.pt").write_bytes(weights)
    Path("own.py").write_text(SOURCE + "# changed\n")
    found.add(digest())
    assert len(found) == 5
    Path("own.py").write_text(SOURCE)
    assert digest() == first


def test_a_source_that_changed_since_it_was_found_is_not_run(folder):
    code = find_code("own:build")
    Path("own.py").write_text(SOURCE + "# changed\n")
    with pytest.raises(
        ModelError, match=r"^own\.py: the source changed since the plan was made: t"
    ):
        load_unmeasured("own.pt", code=code)
    assert not Path("ran.txt").exists()


def test_a_changed_source_of_the_same_size_and_time_is_run_as_it_is_now(folder):
    load("build")
    Path("own.py").write_text(SOURCE.replace("padding=2", "padding=1"))
    assert load("build")(torch.zeros(1, 4, 40)).shape == (1, 3, 38)


def test_a_module_of_python_is_not_replaced(folder):
    Path("random.py").write_text(SOURCE)
    with pytest.raises(ModelError, match=r"random is also the name of a module that is in use \(/"):
        load_unmeasured("own.pt", code=find_code("random:build"))


def test_a_module_in_a_package_imports_its_neighbours(folder):
    package = folder / "code" / "ours"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "layers.py").write_text("from torch import nn\nmake = nn.Conv1d\n")
    (package / "net.py").write_text(
        "from .layers import make\nimport beside\n"
        "def build():\n    net = make(4, 3, 5)\n    net.name = beside.NAME\n    return net\n"
    )
    (folder / "code" / "beside.py").write_text("NAME = 'own'\n")
    torch.save(nn.Conv1d(4, 3, 5).state_dict(), "own.pt")
    code = find_code("ours.net:build", "code")
    assert code.file == "code/ours/net.py"
    model, _ = load_unmeasured("own.pt", code=code)
    assert model(torch.zeros(1, 4, 40)).shape == (1, 3, 36)
    assert str(folder / "code") not in sys.path
