"""The shell of a job finds the program, with and without Snakemake's environments."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import pipeline
from genometracks.graph.deployment import link_packages, write_prefix
from pipeline import ROOT, write_project


def run(prefix: str, command: str, **environment: str) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", prefix + command],
        env={key: value for key, value in environment.items()},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("given", ["", "/somewhere/else"])
def test_the_python_of_an_environment_runs_this_workflow(given):
    prefix = write_prefix(deployed=True).format()
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    environment |= {"PYTHONPATH": given} if given else {}
    output = run(prefix, "cd /; genometracks --help; echo $PYTHONPATH", **environment)
    assert output.startswith("usage: genometracks")
    expected = f"{ROOT / 'workflow'}:{ROOT}" + (f":{given}" if given else "")
    assert output.splitlines()[-1] == expected


def test_a_tool_on_path_takes_precedence_over_the_one_beside_python(tmp_path):
    prefix = write_prefix(deployed=False).format()
    beside = str(Path(sys.executable).parent)
    assert run(prefix, "echo $PATH", PATH="/usr/bin:/bin") == f"/usr/bin:/bin:{beside}\n"
    tool = tmp_path / "genometracks"
    tool.write_text("#!/bin/sh\necho mine\n")
    tool.chmod(0o755)
    assert run(prefix, "genometracks", PATH=f"{tmp_path}{os.pathsep}/usr/bin:/bin") == "mine\n"


@pytest.fixture
def installed(tmp_path) -> Path:
    """A folder of installed packages: this program's and others."""
    folder = tmp_path / "site-packages"
    shutil.copytree(ROOT / "workflow/genometracks", folder / "genometracks")
    shutil.copytree(ROOT / "grelu_models", folder / "grelu_models")
    for path in ("Snakefile", "schemas/config.schema.yaml"):
        file = folder / "genometracks/pipeline/workflow" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "workflow" / path, file)
    metadata = folder / "grelu_tracks-7.8.9.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: grelu-tracks\nVersion: 7.8.9\n")
    (folder / "numpy.py").write_text("raise SystemExit('that of the wrong environment')\n")
    return folder


def test_an_installed_program_runs_without_the_packages_beside_it(tmp_path, installed):
    code = (
        "from genometracks.graph.deployment import write_prefix;"
        "print(write_prefix(deployed=True).format())"
    )
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    prefix = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "PYTHONPATH": str(installed)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    links = tmp_path / ".snakemake" / "grelu-tracks"
    assert sorted(path.name for path in links.iterdir()) == [
        "genometracks",
        "grelu_models",
        "grelu_tracks-7.8.9.dist-info",
    ]
    tell = (
        "import grelu_models, genometracks.places as p, numpy;"
        "print(grelu_models.__version__, p.find_snakefile(), numpy.__version__)"
    )
    output = run(
        prefix, f"cd /; echo $PYTHONPATH; python -c '{tell}'; genometracks --help", **environment
    )
    first, told, usage, *_ = output.splitlines()
    assert first == str(links) and usage.startswith("usage: genometracks")
    snakefile = links / "genometracks/pipeline/workflow/Snakefile"
    assert told == f"7.8.9 {snakefile} {version('numpy')}"


def test_links_follow_the_installed_version(tmp_path, installed):
    links = link_packages(installed, tmp_path / "links")
    made = {path.name: path.lstat().st_ino for path in links.iterdir()}
    assert link_packages(installed, links) == links
    assert {path.name: path.lstat().st_ino for path in links.iterdir()} == made
    (installed / "grelu_tracks-7.8.9.dist-info").rename(installed / "grelu_tracks-8.0.dist-info")
    other = installed.rename(tmp_path / "other")
    link_packages(other, links)
    assert {path.name: path.resolve() for path in links.iterdir()} == {
        name: other / name
        for name in ("genometracks", "grelu_models", "grelu_tracks-8.0.dist-info")
    }


def test_jobs_of_own_environments_run_the_checkout(tmp_path):
    """No rule has a container, so that these jobs run here, but as if in an environment."""
    folder = tmp_path / "pro {ject}"
    folder.mkdir()
    write_project(folder, run="tiny", bases=3_000)
    genome = "results/tiny/work/genome.json"
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    pipeline.run(folder, "--sdm", "apptainer", "--", genome, plain=True, PATH=path)
    assert (folder / genome).is_file()
    assert not (folder / ".snakemake" / "grelu-tracks").exists()
