"""The examples in docstrings are true."""

import doctest
import importlib
import pkgutil

import pytest

LEAST = {"genometracks": 35}
"""Package -> number of examples that it has at least."""


def list_modules(package: str) -> list[str]:
    """Full names of a package's modules."""
    folder = importlib.import_module(package).__path__
    return [module.name for module in pkgutil.walk_packages(folder, f"{package}.")]


@pytest.mark.parametrize("package", LEAST)
def test_examples_of_docstrings_are_true(package, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)  # some write files
    results = [doctest.testmod(importlib.import_module(name)) for name in list_modules(package)]
    assert sum(result.failed for result in results) == 0, capsys.readouterr().out
    assert sum(result.attempted for result in results) >= LEAST[package]
