"""A weights file is opened once, by its format, and gives its metadata without torch."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from grelu_models.checkpoint import load
from grelu_models.errors import ModelError
from grelu_models.files import torch_file, weights_file
from grelu_models.files.metadata import UNSTATED, Metadata
from grelu_models.files.weights import read_state_dict
from grelu_models.files.weights_file import Format, open_weights

ROOT = Path(__file__).parents[3]
TINY = Path(__file__).parents[1] / "tiny.ckpt"


def test_the_format_follows_from_the_content(tmp_path):
    state = {"weight": torch.arange(6.0).reshape(2, 3)}
    save_file(state, tmp_path / "a.safetensors")
    torch.save(state, tmp_path / "b.weights")
    torch.save(state, tmp_path / "c.weights", _use_new_zipfile_serialization=False)
    expected = {
        "a.safetensors": "SafetensorsFile",
        "b.weights": "TorchZipFile",
        "c.weights": "LegacyTorchFile",
    }
    for name, kind in expected.items():
        file = open_weights(tmp_path / name)
        assert type(file).__name__ == kind and file.path == tmp_path / name
        assert file.metadata() == Metadata()
        assert torch.equal(file.state_dict()["weight"], state["weight"])


def test_a_new_format_is_a_row_of_the_table(tmp_path, monkeypatch):
    @dataclass
    class Numbers:
        path: Path

        def metadata(self):
            return Metadata(window=64)

        def state_dict(self):
            return {"weight": torch.tensor([float(x) for x in self.path.read_text().split()[1:]])}

    row = Format(lambda _, head: head.startswith(b"NUMBERS"), Numbers)
    monkeypatch.setattr(weights_file, "FORMATS", {"numbers": row, **weights_file.FORMATS})
    (tmp_path / "a.txt").write_text("NUMBERS 1 2")
    assert open_weights(tmp_path / "a.txt").metadata().window == 64
    assert read_state_dict(tmp_path / "a.txt")["weight"].tolist() == [1, 2]
    assert open_weights(TINY).metadata().bin_size == 4


def test_the_pickle_of_a_checkpoint_is_read_once(monkeypatch):
    paths = []
    read_pickle = torch_file.read_pickle

    def count(path):
        paths.append(path)
        return read_pickle(path)

    monkeypatch.setattr(torch_file, "read_pickle", count)
    load(TINY)
    assert paths == [TINY]


def test_metadata_of_every_format_are_read_without_torch(tmp_path):
    save_file({"weight": torch.ones(1)}, tmp_path / "a.safetensors")
    torch.save({"weight": torch.ones(1)}, tmp_path / "b.pt")
    torch.save({"weight": torch.ones(1)}, tmp_path / "c.pt", _use_new_zipfile_serialization=False)
    paths = [str(TINY), *(str(path) for path in tmp_path.iterdir())]
    code = (
        "import sys; from pathlib import Path;"
        "from grelu_models.files.weights_file import open_weights;"
        f"[open_weights(Path(path)).metadata() for path in {paths!r}];"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT)}, check=True)


@pytest.mark.parametrize("name", ["gone.pt", "gone.safetensors"])
def test_a_missing_file_is_named(tmp_path, name):
    for read in (open_weights, read_state_dict):
        with pytest.raises(ModelError, match=f"{name}: no such weights file: check model.weights"):
            read(tmp_path / name)


def test_stated_keys_override_also_by_none():
    first = Metadata(window=64, activation="exp", tracks=[{"name": "a"}])
    found = first.override(Metadata(activation=None, bin_size=4))
    assert found == Metadata(window=64, bin_size=4, activation=None, tracks=[{"name": "a"}])
    assert found.architecture is UNSTATED


@pytest.mark.parametrize("name", ["a.safetensors", "b.pt", "c.pt"])
def test_shapes_of_every_format_are_read_without_torch(tmp_path, name):
    state = {"conv.weight": torch.ones(3, 2, 5), "scale": torch.tensor(1.0)}
    state["view"] = torch.arange(12.0).reshape(3, 4)[1:].clone()
    if name == "a.safetensors":
        save_file(state, tmp_path / name)
    else:
        torch.save(state, tmp_path / name, _use_new_zipfile_serialization=name == "b.pt")
    code = (
        "import sys; from pathlib import Path;"
        "from grelu_models.files.weights_file import open_weights;"
        f"print(sorted(open_weights(Path({str(tmp_path / name)!r})).shapes().items()));"
        "assert 'torch' not in sys.modules"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=ROOT)
    assert found.stdout.decode().strip() == (
        "[('conv.weight', (3, 2, 5)), ('scale', ()), ('view', (2, 4))]"
    )


def test_shapes_of_a_checkpoint_are_those_of_its_model():
    file = open_weights(TINY)
    state = file.state_dict()
    assert file.shapes() == {name: tuple(tensor.shape) for name, tensor in state.items()}


@pytest.mark.parametrize("zipped", [True, False])
def test_shapes_of_something_else_than_tensors_are_refused(tmp_path, zipped):
    path = tmp_path / "a.pt"
    torch.save({"weight": torch.ones(1), "epoch": 3}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ModelError, match=r"a\.pt: not a plain state dict \(named tensors\)"):
        open_weights(path).shapes()
