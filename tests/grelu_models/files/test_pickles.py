"""The pickles of torch files: plain values are read, and nothing in them is executed."""

import os
import pathlib
import sys
import types
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from grelu_models.checkpoint import build_model, load
from grelu_models.description import list_tracks, read_metadata
from grelu_models.errors import ModelError
from grelu_models.files import pickles, torch_file
from grelu_models.files.metadata import Metadata
from grelu_models.files.weights import read_state_dict
from grelu_models.files.weights_file import open_weights
from toys import ARCHITECTURE, write_checkpoint

TINY = Path(__file__).parents[1] / "tiny.ckpt"


def read_own_metadata(path: Path) -> Metadata:
    """What a weights file itself states."""
    return open_weights(path).metadata()


def rewrite(source: Path, path: Path, *, how=zipfile.ZIP_STORED, change=bytes) -> Path:
    """Copy a checkpoint member by member, with its pickle changed."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(path, "w", how) as copy:
        for member in archive.infolist():
            data = archive.read(member)
            pickled = member.filename.endswith("data.pkl")
            copy.writestr(member.filename, change(data) if pickled else data)
    return path


class Hostile:
    """Writes a file when it is unpickled without restrictions."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def place(name: str, hostile: Hostile) -> dict:
    """Put a hostile object into a part of a checkpoint."""
    return {
        "hyper_parameters": {"hyper_parameters": {"model_params": {"n_tasks": hostile}}},
        "data_params": {"data_params": {"tasks": {"name": [hostile]}}},
        "performance": {"performance": np.array([hostile], dtype=object)},
        "anywhere": {"loops": hostile},
    }[name]


@pytest.mark.parametrize("part", ["hyper_parameters", "data_params", "performance", "anywhere"])
@pytest.mark.parametrize("call", ["io.open", "builtins.eval", "posix.system"])
def test_hostile_checkpoints_are_refused_and_execute_nothing(tmp_path, monkeypatch, part, call):
    victim = tmp_path / "victim"
    hostile = {
        "io.open": Hostile(open, str(victim), "w"),
        "builtins.eval": Hostile(eval, f"open({str(victim)!r}, 'w')"),
    }.get(call, Hostile(os.system, f"echo > {victim}"))
    path = write_checkpoint(tmp_path / "bad.ckpt", **place(part, hostile))
    for read in (read_own_metadata, read_state_dict, load, list_tracks):
        with pytest.raises(ModelError, match=f"bad.ckpt: refused, its pickle refers to {call}: "):
            read(path)
    monkeypatch.setattr(torch_file, "read_pickle", lambda path: None)
    short = call.removeprefix("builtins.")
    with pytest.raises(ModelError, match=f"bad.ckpt: refused, its pickle refers to {short}: "):
        read_state_dict(path)
    assert not victim.exists()


def make_lightning_dict(monkeypatch) -> dict:
    """An AttributeDict of Lightning, without Lightning."""
    name = "lightning_fabric.utilities.data"
    kind = type("AttributeDict", (dict,), {"__module__": name})
    for module in ("lightning_fabric", "lightning_fabric.utilities", name):
        monkeypatch.setitem(sys.modules, module, types.ModuleType(module))
    sys.modules[name].AttributeDict = kind
    return kind(lr=0.1)


def test_both_readers_accept_and_refuse_the_same(tmp_path, monkeypatch):
    plain = {
        "numbers": [np.float32(1.5), np.int64(3), np.bool_(True), np.str_("x")],
        "arrays": [np.arange(6.0).reshape(2, 3), np.array(["a", "bc"]), np.array([None, "x"], "O")],
        "empty": [np.array([]), b"", set(), pd.NA],
        "paths": pathlib.PurePosixPath("/home/someone"),
        "torch": [torch.float32, torch.Size([2]), torch.nn.Parameter(torch.ones(2, 2))],
        "lightning": make_lightning_dict(monkeypatch),
    }
    unknown = {
        "counter": Counter("abc"),
        "slice": slice(3),
        "type": int,
        "object": types.SimpleNamespace(a=1),
        "sparse": torch.eye(2).to_sparse(),
    }
    for name, value in {**plain, **unknown}.items():
        path = write_checkpoint(tmp_path / f"{name}.ckpt", performance=value)
        outcomes = set()
        for read in (read_own_metadata, read_state_dict):
            try:
                read(path)
                outcomes.add("accepted")
            except ModelError as error:
                outcomes.add(str(error))
        assert len(outcomes) == 1 and ("accepted" in outcomes) == (name in plain), outcomes


def test_numpy_values_of_any_version_and_byte_order_become_plain(tmp_path):
    tasks = {
        "name": np.array(["one", "two", "three"]),
        "scale": [np.float16(0.5), np.float32(2), np.float64("nan")],
        "pair": np.array([2, 1, 0], dtype=">i4"),
        "lab": ["x", "y", pd.NA],
    }
    new = write_checkpoint(tmp_path / "new.ckpt", data_params={"tasks": tasks})
    old = rewrite(
        new, tmp_path / "old.ckpt", change=lambda pickled: pickled.replace(b"._core.", b".core.")
    )
    assert old.read_bytes() != new.read_bytes()
    for path in (new, old):
        tracks = list_tracks(path)
        assert tracks[0] == {"name": "one", "scale": 0.5, "pair": 2, "lab": "x"}
        assert tracks[2] == {"name": "three", "scale": "", "pair": 0, "lab": ""}
        assert len(read_state_dict(path)) == len(build_model(ARCHITECTURE).state_dict())


def test_other_torch_files_hold_no_metadata(tmp_path):
    state = build_model(ARCHITECTURE).state_dict()
    torch.save(state, tmp_path / "plain.pt")
    torch.save(state, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    save_file(state, tmp_path / "new.safetensors")
    for name in ("plain.pt", "old.pt", "new.safetensors"):
        assert read_own_metadata(tmp_path / name) == Metadata()
        assert read_metadata(open_weights(tmp_path / name)) == Metadata()
        assert set(read_state_dict(tmp_path / name)) == set(state)


def test_a_compressed_checkpoint_gives_the_same_tensors(tmp_path):
    packed = rewrite(TINY, tmp_path / "packed.ckpt", how=zipfile.ZIP_DEFLATED)
    assert load(packed)[1].digest == load(TINY)[1].digest


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_a_truncated_checkpoint_is_named(tmp_path, kept):
    path = tmp_path / "cut.ckpt"
    path.write_bytes(TINY.read_bytes()[: int(TINY.stat().st_size * kept)])
    for read in (read_own_metadata, read_state_dict):
        with pytest.raises(ModelError, match="cut.ckpt: no readable weights: damaged or truncated"):
            read(path)


def test_damaged_and_foreign_zips_are_named(tmp_path, monkeypatch):
    damaged = rewrite(TINY, tmp_path / "bad.ckpt", change=lambda pickled: pickled[:-99])
    with pytest.raises(ModelError, match="bad.ckpt: no readable weights: its pickle is damaged"):
        read_own_metadata(damaged)
    with zipfile.ZipFile(tmp_path / "foreign.ckpt", "w") as archive:
        archive.writestr("word/document.xml", "<p/>")
    with pytest.raises(ModelError, match="foreign.ckpt: .* a zip file not written by torch"):
        read_state_dict(tmp_path / "foreign.ckpt")
    monkeypatch.setattr(pickles, "LARGEST", 1000)
    with pytest.raises(ModelError, match=r"tiny.ckpt: refused, its pickle is 1\d,\d+ bytes \(at"):
        read_own_metadata(TINY)


def test_a_pickled_module_is_refused_with_the_lines_that_make_a_state_dict(tmp_path):
    path = tmp_path / "ctcf.torch"
    torch.save(torch.nn.Sequential(torch.nn.Conv1d(4, 2, 3)), path)
    with pytest.raises(ModelError) as caught:
        read_state_dict(path)
    assert str(caught.value) == (
        f"{path}: refused, it is a whole pickled module (torch.nn.modules.container.Sequential), "
        "which runs code when it is loaded: if you trust it, make a state dict of it where its "
        'package is installed: model = torch.load("ctcf.torch", map_location="cpu", '
        'weights_only=False); torch.save(model.state_dict(), "ctcf.pt")'
    )


def test_the_state_dict_of_a_pickled_module_gets_a_name_of_its_own(tmp_path):
    path = tmp_path / "ctcf.pt"
    torch.save(torch.nn.Sequential(torch.nn.Conv1d(4, 2, 3)), path)
    with pytest.raises(ModelError) as caught:
        read_state_dict(path)
    assert str(caught.value).endswith('torch.save(model.state_dict(), "ctcf.state_dict.pt")')


def test_other_objects_are_refused_without_advice_to_load_them(tmp_path):
    class Own(torch.nn.Linear):
        pass

    Own.__qualname__ = "Own"
    sys.modules[__name__].Own = Own
    torch.save({"model": Own(1, 1)}, tmp_path / "nested.pt")
    torch.save(Hostile(os.system, "true"), tmp_path / "call.pt")
    for name, what in {"nested.pt": f"{__name__}.Own", "call.pt": "posix.system"}.items():
        with pytest.raises(ModelError, match=f"refused, its pickle refers to {what}: only tensors"):
            read_state_dict(tmp_path / name)
