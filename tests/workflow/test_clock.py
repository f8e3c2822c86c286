"""A clock that was set back or forward between stages: bytes stay right, at most work is repeated.

The times of files are set; Snakemake compares the content of small files, and refuses outputs that
are older than their inputs.
"""

import os
import re
import shutil
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from genometracks.cli import main
from pipeline import run, snakemake
from scene import RESULTS, read_files, write_inputs

DAY = 86_400


def set_times(paths, seconds: float) -> None:
    for path in paths:
        os.utime(path, (seconds, seconds))


def list_inputs(project: Path) -> list[Path]:
    return [path for path in project.iterdir() if path.is_file()]


@pytest.mark.parametrize("shift", [DAY, -40 * 365 * DAY], ids=["set back", "set forward"])
@pytest.mark.parametrize("which", ["inputs", "outputs", "both"])
def test_times_alone_repeat_no_prediction_and_change_no_byte(finished, which, shift):
    right, paths = read_files(finished / RESULTS), []
    if which != "outputs":
        paths += list_inputs(finished)
    if which != "inputs":
        paths += (finished / RESULTS).rglob("*")
    set_times(paths, time.time() + shift)
    shards = {path: path.stat().st_ino for path in (finished / RESULTS / "work/shards").iterdir()}
    run(finished)
    assert read_files(finished / RESULTS) == right
    assert {path: path.stat().st_ino for path in shards} == shards


def use_another_trim(project: Path) -> dict[str, bytes]:
    """Change the config of a project; return the files that its run must end with."""
    other = project.with_name("other")
    write_inputs(other, trim=1)
    run(other)
    shutil.copy(other / "config.yaml", project / "config.yaml")
    return read_files(other / RESULTS)


@pytest.mark.parametrize("future", ["work", "."], ids=["work files", "all files"])
def test_another_config_is_not_mistaken_for_done_where_files_are_from_the_future(finished, future):
    right = use_another_trim(finished)
    kept = read_files(finished / RESULTS)
    set_times((finished / RESULTS / future).rglob("*"), time.time() + DAY)
    for _ in range(2):
        done = snakemake(finished)
        assert done.returncode == 1
        assert "This could indicate a clock skew problem" in done.stdout + done.stderr
        found = read_files(finished / RESULTS)
        # A new plan withdraws the proofs of the earlier one.
        proofs = {"work/plan.json", "work/merge.json", "manifest.json", "summary.txt"}
        proofs |= {"ro-crate-metadata.json", "report.html"}
        assert found.keys() >= kept.keys() - proofs and found.items() <= kept.items()
    set_times((finished / RESULTS).rglob("*"), time.time())
    run(finished)
    assert read_files(finished / RESULTS) == right


def shift_log(log: Path, event: str, shift: timedelta) -> None:
    """Move the time of an event in a stage's log."""
    text = log.read_text()
    (stamp,) = re.findall(rf"^(\S+) {event} ", text, re.M)
    moved = datetime.fromisoformat(stamp) + shift
    log.write_text(text.replace(stamp, moved.isoformat(timespec="milliseconds")))


@pytest.mark.parametrize(("event", "days"), [("finished", -1), ("started", 1), ("started", -1)])
def test_summary_and_status_show_no_negative_time(finished, capsys, event, days):
    results = finished / RESULTS
    for log in (results / "logs").rglob("*.log"):
        shift_log(log, event, timedelta(days=days))
    (results / "summary.txt").unlink()
    run(finished)
    (line,) = re.findall(r"^wall time.*$", (results / "summary.txt").read_text(), re.M)
    assert re.fullmatch(r"wall time    \d+ s, of which prediction \d+ s", line)
    (results / "manifest.json").unlink()
    (results / "work/shards/0.json").unlink()
    assert main(["status", str(results)]) == 0
    assert re.search(r"^  rate     (?!-)", capsys.readouterr().out, re.M)
