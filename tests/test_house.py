"""Who may import whom."""

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PREDICTING = "average batches blend device forward predict preflight probe seams".split()
PREDICTING += ["window_edges", "untransform"]
MODELS = [
    "position",
    "attention rotary",
    "layers",
    "streaming",
    "blocks",
    "trunks",
    "heads",
    "hub pickles published adapters",
    "lightning",
    "metadata weights card",
    "models description",
    "inference checkpoint",
    "resources",
]


def imports(path: Path) -> set[str]:
    """Modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
    return found


def test_only_prediction_imports_torch():
    for path in (ROOT / "workflow" / "genometracks").glob("*.py"):
        brings = {name.split(".")[0] for name in imports(path)} & {"torch", "safetensors"}
        assert not brings or path.stem in PREDICTING, path


def test_planning_and_merging_run_without_torch():
    stages = "cli plan tile planning probe_file context merge bigwig_tracks parquet evaluate"
    stages += " report manifest results config preflight_report parser"
    stages += " stages_before stages_after sheet status status_report claim fetch slurm deployment"
    code = "import sys;" + "".join(f"import genometracks.{name};" for name in stages.split())
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}"}
    subprocess.run(
        [sys.executable, "-c", code + "sys.exit('torch' in sys.modules)"],
        env=environment,
        check=True,
    )


def test_the_models_know_nothing_of_the_pipeline():
    foreign = {"genometracks", "pandas", "pyfaidx", "snakemake"}
    for path in (ROOT / "grelu_models").rglob("*.py"):
        assert not {name.split(".")[0] for name in imports(path)} & foreign, path


def test_models_are_built_from_below():
    order = {name: i for i, names in enumerate(MODELS) for name in names.split()}
    package = ROOT / "grelu_models"
    for path in package.rglob("*.py"):
        own = path.relative_to(package).with_suffix("").parts[0]
        for name in imports(path):
            parts = name.split(".")
            if own in order and parts[0] == "grelu_models" and len(parts) > 1:
                below = order.get(parts[1], -1) < order[own] or parts[1] == own
                assert below, f"{path} imports {name}"


def test_each_target_of_the_makefile_is_there_once():
    text = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.M)
    targets = re.findall(r"^([a-z-]+):(?!=)", text, re.M)
    assert sorted(targets) == sorted(phony.split())
    assert text.splitlines()[0].removeprefix("# make ").split(" · ") == phony.split()
