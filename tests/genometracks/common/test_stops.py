"""The end of a process that does not wait for its threads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CODE = "from genometracks.common.stops import exit_now; print('a line'); exit_now({status})"


@pytest.mark.parametrize(
    ("out", "status", "expected"),
    [(os.devnull, 0, 0), (os.devnull, 3, 3), ("/dev/full", 0, 1), ("/dev/full", 3, 3)],
)
def test_output_that_is_lost_is_an_error(out, status, expected):
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}"}
    with open(out, "w") as stream:
        done = subprocess.run(
            [sys.executable, "-c", CODE.format(status=status)],
            stdout=stream,
            stderr=subprocess.PIPE,
            env=environment,
        )
    assert (done.returncode, done.stderr) == (expected, b"")
