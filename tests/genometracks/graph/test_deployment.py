"""The shell of a job finds the program, with and without Snakemake's environments."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from genometracks.graph.deployment import write_prefix
from pipeline import ROOT


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
    prefix = write_prefix(ROOT / "workflow", deployed=True)
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    environment |= {"PYTHONPATH": given} if given else {}
    output = run(prefix, "cd /; genometracks --help; echo $PYTHONPATH", **environment)
    assert output.startswith("usage: genometracks")
    expected = f"{ROOT / 'workflow'}:{ROOT}" + (f":{given}" if given else "")
    assert output.splitlines()[-1] == expected


def test_a_tool_on_path_takes_precedence_over_the_one_beside_python(tmp_path):
    prefix = write_prefix(ROOT / "workflow", deployed=False)
    beside = str(Path(sys.executable).parent)
    assert run(prefix, "echo $PATH", PATH="/usr/bin:/bin") == f"/usr/bin:/bin:{beside}\n"
    tool = tmp_path / "genometracks"
    tool.write_text("#!/bin/sh\necho mine\n")
    tool.chmod(0o755)
    assert run(prefix, "genometracks", PATH=f"{tmp_path}{os.pathsep}/usr/bin:/bin") == "mine\n"
