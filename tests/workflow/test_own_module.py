"""Runs with a module of the user's own: the source is an input, and runs only where it may."""

import json
import os
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from genometracks.cli import main
from genometracks.verify.manifest import load_manifest
from genometracks.verify.rerun import make_config
from pipeline import planned_rules, run, snakemake, write_project
from scene import read_files

SOURCE = """
from pathlib import Path

from grelu_models.checkpoint import load_unmeasured

Path(__file__).with_name("ran.txt").touch()


def build(weights):
    model, _ = load_unmeasured(weights, architecture={ARCHITECTURE})
    return model
"""

RESULTS = Path("results/own")


def change_config(folder, **model):
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["model"].update(model)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


@pytest.fixture(scope="module")
def project(warm_tools, tmp_path_factory):
    """A finished run of a module that loads the toy model, and the tracks of the toy itself."""
    folder = tmp_path_factory.mktemp("own") / "project"
    folder.mkdir()
    write_project(folder, run="own", bases=3000, shards=2)
    run(folder)
    (folder / "toy").mkdir()
    for path in (folder / RESULTS / "bigwig").iterdir():
        shutil.copy(path, folder / "toy")
    shutil.rmtree(folder / "results")
    architecture = yaml.safe_load((folder / "m.yaml").read_text())["architecture"]
    (folder / "code").mkdir()
    (folder / "code/own.py").write_text(SOURCE.replace("{ARCHITECTURE}", repr(architecture)))
    change_config(folder, python="own:build", python_path="code")
    run(folder)
    return folder


@pytest.fixture
def finished(project, tmp_path):
    """A copy of the finished run, in which the source has not run."""
    folder = tmp_path / "project"
    shutil.copytree(project, folder)
    (folder / "code/ran.txt").unlink()
    return folder


def test_values_are_those_of_the_model_and_the_log_has_a_note(project):
    for path in (project / "toy").iterdir():
        assert (project / RESULTS / "bigwig" / path.name).read_bytes() == path.read_bytes()
    for log in ("logs/model.log", "logs/predict/0.log"):
        text = (project / RESULTS / log).read_text()
        assert "model.python: running build of code/own.py\n" in text


def test_the_manifest_lists_the_source(project):
    manifest = json.loads((project / RESULTS / "manifest.json").read_text())
    (fold,) = manifest["model"]["folds"]
    digest = sha256((project / "code/own.py").read_bytes()).hexdigest()
    expected = {"function": "own:build", "folder": "code", "file": "code/own.py", "sha256": digest}
    assert fold["code"] == expected and fold["architecture"] == {"model_type": "python"}
    assert manifest["config"]["model"]["python"] == "own:build"


def test_a_finished_run_has_nothing_to_do_and_runs_nothing(finished):
    assert "Nothing to be done" in run(finished)
    assert not (finished / "code/ran.txt").exists()


def test_a_changed_source_is_predicted_again(finished):
    before = read_files(finished / RESULTS)
    source = finished / "code/own.py"
    changed = source.read_text() + "\n\ndef unused():\n    return 0\n"
    source.write_text(changed)
    assert {"model", "plan", "predict"} <= planned_rules(finished)
    run(finished)
    plan = json.loads((finished / RESULTS / "work/plan.json").read_text())
    assert plan["model"]["folds"][0]["code"]["sha256"] == sha256(changed.encode()).hexdigest()
    after = read_files(finished / RESULTS)
    tracks = [name for name in before if name.endswith(".bw")]
    assert tracks and all(after[name] == before[name] for name in tracks)


def test_a_change_that_snakemake_does_not_notice_is_one_error(finished):
    source = finished / "code/own.py"
    times = source.stat()
    source.write_text(source.read_text().replace("build(weights)", "build(weighty)"))
    os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns))
    (finished / RESULTS / "work/shards/0.json").unlink()
    done = snakemake(finished, "--forcerun", "predict")
    assert done.returncode != 0
    log = (finished / RESULTS / "logs/predict/0.log").read_text()
    assert (
        "genometracks predict: code/own.py: the source changed since the plan was made: touch this "
        "file, so that Snakemake notices the change, and run again\n"
    ) in log


def test_verify_compares_the_source_and_runs_nothing(finished, monkeypatch, capsys):
    monkeypatch.chdir(finished)
    assert main(["verify", str(RESULTS)]) == 0
    source = finished / "code/own.py"
    source.write_text(source.read_text() + "# changed\n")
    assert main(["verify", str(RESULTS)]) == 1
    assert not (finished / "code/ran.txt").exists()
    shown = capsys.readouterr()
    assert "code/own.py" in shown.out + shown.err
    assert "m.safetensors" not in shown.err


def test_a_manifest_of_others_runs_nothing_unless_that_is_allowed(finished, monkeypatch, capsys):
    monkeypatch.chdir(finished)
    manifest = RESULTS / "manifest.json"
    words = ["rerun", str(manifest), "--results", "again"]
    assert main(words) == 1
    assert (
        "the manifest's run had model.python: own:build, which runs code: look at its source, and "
        "allow it with --set model.python=own:build\n"
    ) in capsys.readouterr().err
    config = make_config(load_manifest(manifest), Path("again"), changes=["model.python=own:build"])
    assert config["model"]["python"] == "own:build"
    assert not (finished / "code/ran.txt").exists()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"python": "missing:build"}, "model.python: there is no missing.py in "),
        ({"python": None, "python_path": "code"}, "model.python_path: it is for model.python, whi"),
        ({"python": "own:build", "architecture": {"n_tasks": 7}}, "7 tracks, but the|names 3 tra"),
        (
            {"python": None, "python_path": None, "architecture": {"model_type": "python"}},
            "model_type python would run code, which neither a file nor model.architecture can ask",
        ),
    ],
)
def test_a_wrong_config_is_one_line_before_anything_runs(finished, model, message):
    change_config(finished, **model)
    done = snakemake(finished, "-n")
    shown = done.stdout + done.stderr
    assert done.returncode != 0 and any(part in shown for part in message.split("|")), shown
    assert not (finished / "code/ran.txt").exists()
