"""Documents agree with the schema, the examples and the tree: keys, links, anchors, cited names."""

import ast
import re
import runpy
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from genometracks.config.resolve import resolve_config
from genometracks.config.schema import list_keys

ROOT = Path(__file__).parents[3]
MADE = ("build", "data", "results")
EXAMPLES = sorted((ROOT / "config/examples").glob("*.yaml"))


def list_documents() -> Iterator[Path]:
    """Every Markdown file of the repository; hidden folders and results are left out."""
    for entry in sorted(ROOT.iterdir()):
        if entry.suffix == ".md":
            yield entry
        elif entry.is_dir() and not entry.name.startswith(".") and entry.name not in MADE:
            yield from sorted(entry.rglob("*.md"))


DOCUMENTS = list(list_documents())


def read_prose(path: Path) -> str:
    """A document without its code blocks."""
    return re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)


def list_anchors(path: Path) -> set[str]:
    """Anchors that GitHub derives from a document's headings."""
    anchors: Counter[str] = Counter()
    found = set()
    for heading in re.findall(r"^#+ +(.*)$", read_prose(path), re.MULTILINE):
        shown = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        found.add(f"{anchor}-{anchors[anchor]}" if anchors[anchor] else anchor)
        anchors[anchor] += 1
    return found


def test_the_reference_documents_every_key_with_its_default():
    text = (ROOT / "config" / "README.md").read_text()
    rows = dict(re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", text, re.MULTILINE))
    keys = {key: schema for key, schema in list_keys() if schema.get("type") != "object"}
    keys |= {key: schema for key, schema in list_keys() if not schema.get("properties")}
    assert set(rows) == set(keys)
    for key, schema in keys.items():
        described = re.search(rf"^\| `{re.escape(key)}` .*$", text, re.MULTILINE)[0]
        assert schema["description"] in described, key
        if "default" in schema:
            default = yaml.safe_load(rows[key].strip().strip("`"))
            assert default == schema["default"], key
        else:
            assert rows[key].strip() == "required", key


def test_the_reference_equals_what_its_script_writes():
    script = runpy.run_path(str(ROOT / "config/reference.py"))
    text = (ROOT / "config/README.md").read_text()
    assert text == script["write_reference"](text), "run python config/reference.py"


@pytest.mark.parametrize("path", [ROOT / "config/config.yaml", *EXAMPLES])
def test_the_examples_are_valid(path):
    config = resolve_config(yaml.safe_load(path.read_text()))
    assert config["run"] != "run", "an example names its run"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_named_in_a_document(path):
    name = path.relative_to(ROOT).as_posix()
    assert any(name in document.read_text() for document in DOCUMENTS)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_to_files_and_headings(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", read_prose(path)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        assert linked.exists(), f"{path.name} links to {target}, which does not exist"
        if anchor:
            assert anchor in list_anchors(linked), f"{path.name} links to {target}: no such heading"


def list_names(path: Path) -> set[str]:
    """Names that a module defines at its top level, and `Class.name` of what its classes define."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        names |= _list_defined(node)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{name}" for each in node.body for name in _list_defined(each)}
    return names


def _list_defined(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def test_names_that_the_architecture_cites_exist():
    """A code span `room/module.name` that is not a file or folder is a name in a module."""
    marked = re.findall(r"`([a-z_]+/[A-Za-z_./]+)`", read_prose(ROOT / "ARCHITECTURE.md"))
    places = [ROOT / "workflow/genometracks", ROOT]
    cited = {text for text in marked if not any((place / text).exists() for place in places)}
    assert len(cited) > 20
    for text in sorted(cited):
        module, _, name = text.partition(".")
        path = places[0] / f"{module}.py"
        assert path.is_file() and name in list_names(path), f"ARCHITECTURE.md cites {text}"
