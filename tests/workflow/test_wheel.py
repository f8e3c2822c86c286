"""The wheel holds the whole pipeline, and runs it where there is no checkout."""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import pytest

import pipeline
from pipeline import CPU, ROOT, write_project

DEPLOYED = """
configfile: "config.yaml"
module grelu_tracks:
    snakefile: gitfile({source!r}, path="workflow/Snakefile", tag="v1")
    config: config
use rule * from grelu_tracks
"""
"""A workflow as snakedeploy writes it, with a repository on this machine."""
pytestmark = pytest.mark.usefixtures("warm_tools")

SOURCES = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "envs", "workflow", "grelu_models")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
PLACES = "from genometracks.places import *; print(find_snakefile(), find_profile('local'))"


def call(*words: object, folder: Path, **environment: str) -> str:
    """Output of a program in an environment that leads to no checkout."""
    done = subprocess.run(
        list(map(str, words)),
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def build_wheel(source: Path, out: Path) -> Path:
    """Build a wheel with the backend of this environment."""
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir")
    call(sys.executable, "-m", "pip", "wheel", *options, out, source, folder=source)
    (wheel,) = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """A copy of what a wheel is built from: building leaves files behind."""
    folder = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, folder / name)
    compiled = folder / "workflow/genometracks/__pycache__/cli.cpython-311.pyc"
    compiled.parent.mkdir()
    compiled.write_bytes(b"of the checkout's Python")
    earlier = folder / "build/lib/genometracks/browse/earlier.py"
    earlier.parent.mkdir(parents=True)
    earlier.write_text("from genometracks.moved import gone\n")
    return folder


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory) -> Path:
    return build_wheel(source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """An environment with the wheel, which finds its dependencies in the one of the tests.

    The folder of the latter is on its path, but `.pth` files in it are not read: what leads to an
    editable installation of the checkout is one of them.
    """
    folder = tmp_path_factory.mktemp("elsewhere") / "venv"
    call(sys.executable, "-m", "venv", "--without-pip", folder, folder=folder.parent)
    python = folder / "bin" / "python"
    options = ("--quiet", "--no-deps", "--no-index", wheel)
    pip = (sys.executable, "-m", "pip", "--python", python)
    call(*pip, "install", *options, folder=folder.parent)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def installed_snakemake(
    python: Path, folder: Path, *words: str, snakefile: str | None = None, **environment: str
) -> str:
    """Output of Snakemake with the installed workflow, or with another one."""
    snakefile = snakefile or call(python, "-c", PLACES, folder=folder).split()[0]
    words = ("--snakefile", snakefile, "--cores", "2", "--configfile", "config.yaml", *words)
    return call(
        python, "-m", "snakemake", *words, folder=folder, OMP_NUM_THREADS="1", **environment
    )


def read_block(language: str, *, under: str) -> str:
    """The first code block under a heading of the guide."""
    text = (ROOT / "docs" / "install.md").read_text()
    return re.search(rf"^## {under}\n.*?^```{language}\n(.*?)^```", text, re.S | re.M)[1]


def make_project(folder: Path) -> Path:
    folder.mkdir()
    write_project(folder, run="tiny", bases=3_000, prediction=CPU, shards=1)
    return folder


@pytest.fixture(scope="module")
def run_by_wheel(installed, tmp_path_factory) -> Path:
    """A project whose run was made by the installed workflow."""
    folder = make_project(tmp_path_factory.mktemp("by_wheel") / "project")
    installed_snakemake(installed, folder)
    return folder


@pytest.fixture(scope="module")
def run_by_checkout(warm_tools, tmp_path_factory) -> Path:
    """The same project, whose run was made by the checkout."""
    folder = make_project(tmp_path_factory.mktemp("by_checkout") / "project")
    pipeline.run(folder)
    return folder


def list_expected() -> dict[str, Path]:
    """Files that belong into a wheel: their names there, and their paths."""
    workflow, envs = ROOT / "workflow", ROOT / "envs"
    tops = {"genometracks": workflow / "genometracks", "grelu_models": ROOT / "grelu_models"}
    found = {
        f"{top}/{path.relative_to(folder)}": path
        for top, folder in tops.items()
        for path in folder.rglob("*")
    }
    for path in [*workflow.rglob("*"), *envs.glob("*.yaml")]:
        if not path.is_relative_to(tops["genometracks"]):
            found[f"genometracks/pipeline/{path.relative_to(ROOT)}"] = path
    return {
        name: path
        for name, path in found.items()
        if path.is_file() and "__pycache__" not in path.parts
    }


def read_wheel(path: Path) -> dict[str, bytes]:
    with ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist() if not name.endswith("/")}


def test_the_wheel_holds_both_packages_and_every_file_of_the_workflow(wheel):
    content, expected = read_wheel(wheel), list_expected()
    metadata = f"grelu_tracks-{version('grelu-tracks')}.dist-info/"
    assert {name for name in content if not name.startswith(metadata)} == set(expected)
    assert all(content[name] == path.read_bytes() for name, path in expected.items())
    assert content[metadata + "licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()
    parts = {Path(name).parts[2:4] for name in expected if "/pipeline/" in name}
    assert parts >= {("workflow", "Snakefile"), ("workflow", "rules"), ("envs", "cpu.yaml")}
    assert {"genometracks/py.typed", "grelu_models/py.typed"} <= set(content)


def test_the_sdist_builds_the_same_wheel(source, wheel, tmp_path):
    call(sys.executable, "-c", BUILD, tmp_path, folder=source)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(tmp_path, filter="data")
    (unpacked,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert read_wheel(build_wheel(unpacked, tmp_path)) == read_wheel(wheel)


def test_the_installed_program_knows_its_version_and_its_commands(installed, tmp_path):
    program = installed.with_name("genometracks")
    expected = f"genometracks {version('grelu-tracks')}\n"
    assert call(program, "--version", folder=tmp_path) == expected
    text = call(program, "--help", folder=tmp_path)
    assert "\n  preflight  " in text and "\n  summary    " in text
    snakefile, profile = call(installed, "-c", PLACES, folder=tmp_path).split()
    assert Path(snakefile).is_relative_to(installed.parents[1])
    assert (Path(profile) / "profile.yaml").is_file()


def test_a_run_elsewhere_gives_the_bytes_of_the_checkout(run_by_wheel, run_by_checkout):
    results = [folder / "results" / "tiny" for folder in (run_by_wheel, run_by_checkout)]
    files = [sorted(path.name for path in folder.glob("bigwig/*.bw")) for folder in results]
    assert files[0] == files[1] and len(files[0]) == 3
    for name in files[0]:
        ours, theirs = ((folder / "bigwig" / name).read_bytes() for folder in results)
        assert ours == theirs and len(ours) > 1_000
    outputs = [json.loads((folder / "manifest.json").read_text())["outputs"] for folder in results]
    assert outputs[0] == outputs[1]
    assert "tiny" in (results[0] / "summary.txt").read_text()


def test_a_finished_run_is_finished_for_the_other(installed, run_by_wheel, run_by_checkout):
    assert "Nothing to be done" in pipeline.run(run_by_wheel, "-n")
    assert "Nothing to be done" in installed_snakemake(installed, run_by_checkout, "-n")


def test_jobs_of_own_environments_import_the_installed_program(installed, tmp_path):
    """No rule has a container, so that these jobs run here, but as if in an environment."""
    folder = make_project(tmp_path / "project")
    genome = "results/tiny/work/genome.json"
    where = {"PATH": f"{installed.parent}:/usr/bin:/bin"}
    installed_snakemake(installed, folder, "--sdm", "apptainer", "--", genome, **where)
    assert json.loads((folder / genome).read_text())["contigs"]
    links = folder / ".snakemake" / "grelu-tracks"
    assert (links / "genometracks").readlink().is_relative_to(installed.parents[1])


def test_the_documented_command_runs_the_installed_workflow(installed, run_by_wheel):
    shutil.copy(run_by_wheel / "config.yaml", run_by_wheel / "my.yaml")
    script = f"""
        python() {{ {installed} "$@"; }}
        snakemake() {{ {installed} -m snakemake "$@" -n; }}
        {read_block("", under="With Snakemake's own command line")}"""
    output = call("bash", "-euo", "pipefail", "-c", script, folder=run_by_wheel)
    assert "Nothing to be done" in output
    local = installed.parents[1].glob("lib/*/site-packages/genometracks/pipeline/workflow/profiles")
    assert f"Using workflow specific profile {next(local)}/local" in output


def test_a_workflow_at_a_tag_uses_the_installed_program(source, installed, run_by_wheel):
    """Also for the run that the installed workflow made: nothing is repeated."""
    git = ("git", "-c", "user.name=me", "-c", "user.email=me@example.org")
    call(*git, "init", "--quiet", folder=source)
    call(*git, "add", "workflow", "envs", folder=source)
    call(*git, "commit", "--quiet", "--message", "All", folder=source)
    call(*git, "tag", "v1", folder=source)
    (run_by_wheel / "Snakefile").write_text(DEPLOYED.format(source=str(source)))
    how = {"snakefile": "Snakefile"}
    assert "Nothing to be done" in installed_snakemake(installed, run_by_wheel, "-n", **how)
    listed = installed_snakemake(installed, run_by_wheel, "-n", "--forceall", **how)
    assert {"genome", "model", "plan", "bigwig", "summary"} <= pipeline.list_rules(listed)
