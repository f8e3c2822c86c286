"""Fixtures of the families' tests."""

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from own_module import SOURCE
from program_files import Conv, export


@pytest.fixture(scope="module")
def conv(tmp_path_factory):
    torch.manual_seed(0)
    module = Conv()
    return module, export(module, tmp_path_factory.mktemp("conv") / "conv.pt2")


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    """A working directory with `own.py`, and the weights of its module."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "own", None)
    del sys.modules["own"]
    Path("own.py").write_text(SOURCE)
    torch.manual_seed(0)
    torch.save({f"conv.{k}": v for k, v in nn.Conv1d(4, 3, 5).state_dict().items()}, "own.pt")
    return tmp_path
