"""The examples in the docstrings of `grelu_models` are true."""

import doctest
import pkgutil
from importlib import import_module

import grelu_models

FEWEST = 30
"""Examples (lines after `>>>`) that must at least be found."""


def test_examples_in_docstrings_are_true(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [
        module.name for module in pkgutil.walk_packages(grelu_models.__path__, "grelu_models.")
    ]
    results = {name: doctest.testmod(import_module(name)) for name in names}
    assert {name: found.failed for name, found in results.items() if found.failed} == {}
    assert sum(found.attempted for found in results.values()) >= FEWEST
