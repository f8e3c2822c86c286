"""Rooms import only from rooms below them, in the order that ARCHITECTURE.md lists."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "genometracks": ROOT / "workflow" / "genometracks",
    "grelu_models": ROOT / "grelu_models",
}
WITH_TORCH = ("predict", "preflight")
"""Rooms of `genometracks` that may import torch."""


def read_order(package: str) -> list[str]:
    """The rooms of a package from top to bottom, as ARCHITECTURE.md lists them."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    block = re.search(rf"<!-- order: {package} -->\n+```\n(.*?)```", text, re.S)[1]
    return [line.split()[0].rstrip("/").removesuffix(".py") for line in block.splitlines()]


def list_imports(path: Path) -> set[str]:
    """Full names that a file imports, at any level: modules, and names inside modules."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: write the full name of what is imported"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def find_room(name: str, package: str) -> str | None:
    """The room of a module: the part of its name after the package; None for other packages."""
    parts = name.split(".")
    return parts[1] if parts[0] == package and len(parts) > 1 else None


def find_upward_imports(folder: Path, order: list[str]) -> Iterator[str]:
    """Describe every import from a room above the importing one."""
    place = {room: i for i, room in enumerate(order)}
    for path in sorted(folder.rglob("*.py")):
        room = path.relative_to(folder).with_suffix("").parts[0]
        if room == "__init__":
            continue
        if room not in place:
            yield f"{path.relative_to(folder)} is in a room that ARCHITECTURE.md does not list"
            continue
        for name in sorted(list_imports(path)):
            other = find_room(name, folder.name)
            if other in place and place[other] < place[room]:
                yield f"{path.relative_to(folder)} imports {name}"


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_run_downward(package):
    assert list(find_upward_imports(PACKAGES[package], read_order(package))) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_architecture_lists_every_room_once(package):
    folder = PACKAGES[package]
    rooms = [path.stem for path in folder.glob("*.py") if path.stem != "__init__"]
    rooms += [path.parent.name for path in folder.glob("*/__init__.py")]
    assert sorted(read_order(package)) == sorted(rooms)


@pytest.mark.parametrize(
    ("path", "planted"),
    [
        ("common/atomic.py", "from genometracks.plan.plan import Plan"),
        ("common/atomic.py", "import genometracks.plan.plan"),
        ("plan/tile.py", "from genometracks import cli"),
        ("plan/deeper/tile.py", "def late():\n    from genometracks.predict import average"),
    ],
)
def test_a_planted_upward_import_is_found(tmp_path, path, planted):
    file = tmp_path / "genometracks" / path
    file.parent.mkdir(parents=True)
    file.write_text(f'"""A room."""\n\nfrom genometracks.errors import UserError\n\n{planted}\n')
    (found,) = find_upward_imports(tmp_path / "genometracks", read_order("genometracks"))
    assert found.startswith(f"{path} imports genometracks.")


@pytest.mark.parametrize("package", PACKAGES)
def test_there_are_no_circular_imports(package):
    folder = PACKAGES[package]
    modules = {
        ".".join((package, *path.relative_to(folder).with_suffix("").parts)): path
        for path in folder.rglob("*.py")
    }
    graph = {
        name: {
            target
            for found in list_imports(path)
            for target in (found, found.rpartition(".")[0])
            if target in modules and target != name
        }
        for name, path in modules.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_only_prediction_and_preflight_import_torch():
    folder = PACKAGES["genometracks"]
    for path in folder.rglob("*.py"):
        imported = {name.split(".")[0] for name in list_imports(path)} & {"torch", "safetensors"}
        assert not imported or path.relative_to(folder).parts[0] in WITH_TORCH, path


def test_every_other_room_runs_without_torch():
    folder = PACKAGES["genometracks"]
    names = [
        ".".join(("genometracks", *path.relative_to(folder).with_suffix("").parts))
        for path in folder.rglob("*.py")
        if path.relative_to(folder).parts[0] not in WITH_TORCH and path.stem != "__init__"
    ]
    names += ["genometracks.predict.claim", "genometracks.preflight.report"]
    code = "import sys;" + "".join(f"import {name};" for name in names)
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}"}
    subprocess.run(
        [sys.executable, "-c", code + "sys.exit('torch' in sys.modules)"],
        env=environment,
        check=True,
    )


def test_grelu_models_does_not_import_the_pipeline():
    foreign = {"genometracks", "pandas", "pyfaidx", "snakemake"}
    for path in PACKAGES["grelu_models"].rglob("*.py"):
        assert not {name.split(".")[0] for name in list_imports(path)} & foreign, path


def test_tests_mirror_the_rooms():
    """Each folder of tests/genometracks or tests/grelu_models is a room of that package."""
    for package, folder in PACKAGES.items():
        for tests in (ROOT / "tests" / package).glob("*/"):
            assert tests.name == "__pycache__" or (folder / tests.name).is_dir(), tests
        loose = [path.stem for path in (ROOT / "tests" / package).glob("test_*.py")]
        assert [name for name in loose if not (folder / f"{name[5:]}.py").is_file()] == []


def test_every_target_of_the_makefile_is_phony_and_in_its_first_line():
    text = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.M)
    targets = re.findall(r"^([a-z-]+):(?!=)", text, re.M)
    assert sorted(targets) == sorted(phony.split())
    assert text.splitlines()[0].removeprefix("# make ").split(" · ") == phony.split()
