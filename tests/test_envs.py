"""The job environments and the images install the versions of requirements.lock."""

import ast
import re
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "envs"))
from make import FILES, LEFT_OUT, describe, read_lock  # noqa: E402


def read_pins(name: str) -> dict[str, str]:
    """Version of each package in an environment file, by name."""
    dependencies = yaml.safe_load((ROOT / "envs" / name).read_text())["dependencies"]
    (pip,) = (entry["pip"] for entry in dependencies if isinstance(entry, dict))
    return dict(pin.split("==") for pin in pip)


@pytest.mark.parametrize("name", sorted(FILES))
def test_an_environment_matches_the_lock(name):
    assert (ROOT / "envs" / name).read_text() == describe(name), "run python envs/make.py"
    pins, lock = read_pins(name), read_lock()
    assert {package: lock[package] for package in pins} == pins
    assert {"numpy", "pyarrow", "pyyaml", "jsonschema"} <= set(pins)
    assert not {"pytest", "ruff", "snakemake"} & set(pins)
    assert ("torch" in pins) == (name == "gpu.yaml")


def list_imported(package: Path) -> set[str]:
    """Top-level names that the files of a package import."""
    nodes = [
        node for path in package.rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))
    ]
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    others = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.split(".")[0] for name in plain | others}


def test_every_imported_package_is_in_the_environment():
    used = list_imported(ROOT / "workflow/genometracks") | list_imported(ROOT / "grelu_models")
    used -= set(sys.stdlib_module_names) | {"genometracks", "grelu_models"}
    used -= {*LEFT_OUT, "snakemake_interface_logger_plugins"}
    names = {"yaml": "pyyaml", "huggingface_hub": "huggingface-hub"}
    assert {names.get(name, name) for name in used} - set(read_pins("gpu.yaml")) == set()


def test_rules_that_load_a_model_have_pytorch():
    text = "".join(path.read_text() for path in sorted((ROOT / "workflow/rules").glob("*.smk")))
    named = dict(
        re.findall(r'rule (\w+):(?:(?!\n\S).|\n(?!\S))*?conda:\s+"../../envs/(\w+).yaml"', text)
    )
    assert {rule for rule, env in named.items() if env == "gpu"} == {"model", "probe", "predict"}
    assert {"genome", "plan", "merge", "parquet", "manifest", "summary"} <= set(named)


def test_the_images_install_the_lock():
    for name in ("Dockerfile", "grelu-tracks.def"):
        text = (ROOT / "envs" / name).read_text()
        assert "pip install --no-cache-dir -r requirements.lock" in text
        assert "pip install --no-cache-dir --no-deps ." in text
