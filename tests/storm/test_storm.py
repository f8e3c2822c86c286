"""A few kills of the storm, and that the storm notices wrong bytes."""

import shutil
import socket
from pathlib import Path

import pytest

from scene import RESULTS
from storm import Storm, describe


def test_killed_runs_end_with_the_bytes_of_an_undisturbed_one(scene):
    storm = Storm(scene, seed=0)
    storm.rage(kills=1)  # Snakemake
    assert storm.runs >= 1 and any(kind.startswith("Snakemake") for kind in storm.kills)
    storm.rage(kills=storm.kills.total() + 20, first=1)
    assert {"step", "rename"} <= set(storm.kills) and storm.kills.total() >= 21
    text = describe(storm, 30)
    assert text.startswith(f"{storm.kills.total()} kills (")
    assert f" in {storm.runs} whole runs, 0.5 minutes: every run ended with" in text


def test_a_caller_that_is_killed_before_its_request_is_forgotten(scene):
    for part in (b"", b'{"commands"'):
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(scene.warm.address)
            link.send(part)
    assert scene.warm.run(["status", "nowhere"]).status == 1


def test_the_time_is_bounded(scene):
    storm = Storm(scene, seed=0)
    storm.rage(kills=1000, until=0)
    assert storm.runs == 0 and not storm.kills


def cut(folder: Path) -> None:
    path = folder / "bigwig/one.bw"
    path.write_bytes(path.read_bytes()[:-1])


def lose_a_part(folder: Path) -> None:
    next((folder / "parquet").rglob("*.parquet")).unlink()


@pytest.mark.parametrize("harm", [cut, lose_a_part], ids=lambda function: function.__name__)
def test_a_result_that_is_not_whole_is_noticed(scene, harm):
    scene.reset(stale=True)
    scene.check_nothing_is_half_written()
    harm(scene.folder / RESULTS)
    with pytest.raises(AssertionError, match="is half-written"):
        scene.check_nothing_is_half_written()


def test_an_older_result_and_a_leftover_are_noticed_at_the_end(scene):
    scene.reset(stale=False)
    shutil.copytree(scene.finished, scene.folder / RESULTS)
    scene.check_finished()
    name = "bigwig/one.bw"
    path = scene.folder / RESULTS / name
    path.write_bytes(scene.stale[name])
    with pytest.raises(AssertionError, match="'differs': .'bigwig/one.bw'"):
        scene.check_finished()
    path.write_bytes(scene.right[name])
    (path.parent / ".one.bw.x.part").touch()
    with pytest.raises(AssertionError, match="left behind: .*one.bw.x.part"):
        scene.check_finished()


def test_a_failure_names_what_repeats_it(scene, monkeypatch):
    def fail() -> None:
        raise AssertionError("one.bw differs")

    monkeypatch.setattr(scene, "check_finished", fail)
    monkeypatch.setattr(scene, "commands", [])
    with pytest.raises(
        AssertionError, match=r"--seed 7 --first 1: after kills of .*one.bw differs"
    ):
        Storm(scene, seed=7).rage(kills=1, first=1)
