"""Locks of runs, and Snakemake's locks of which it is proved that nobody holds them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from genometracks.common.identity import Process
from genometracks.config.folders import RunFolder
from genometracks.errors import UserError
from genometracks.launch import stale_lock
from genometracks.launch.lock import HeldRuns, Holder, hold_runs
from genometracks.launch.stale_lock import remove_stale_lock

RUN = RunFolder(Path("results/a"))
LOCK = Path(".snakemake/locks/0.output.lock")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_lock(*files: str) -> None:
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    LOCK.write_text("".join(f"{file}\n" for file in files))


def hold(*holders: Holder) -> HeldRuns:
    return HeldRuns((), holders)


def make_holder(process: Process) -> Holder:
    return Holder("here", process, "today")


def test_a_run_is_locked_once_and_its_holder_named():
    with hold_runs([RUN]):
        with pytest.raises(UserError) as caught:
            with hold_runs([RUN]):
                pass
    assert str(caught.value).startswith(
        f"results/a: this run is in progress (process {os.getpid()} on "
    )
    with hold_runs([RUN]) as held:
        assert [each.process.pid for each in held.former] == [os.getpid()]


def test_the_lock_of_a_killed_process_is_free():
    code = (
        "import os, signal; from pathlib import Path\n"
        "from genometracks.config.folders import RunFolder\n"
        "from genometracks.launch.lock import hold_runs\n"
        "with hold_runs([RunFolder(Path('results/a'))]): os.kill(os.getpid(), signal.SIGKILL)"
    )
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == -9
    with hold_runs([RUN]) as held:
        assert held.former[0].process.lives is False


@pytest.mark.parametrize("text", ["", "{", '{"host": 1}', "\x00" * 100])
def test_a_damaged_lock_file_is_no_obstacle(text):
    RUN.work.mkdir(parents=True)
    RUN.lock.write_text(text)
    with hold_runs([RUN]) as held:
        assert held.former == ()


def test_a_lock_that_cannot_be_written_is_one_line():
    Path("results").write_text("")
    with pytest.raises(UserError) as caught:
        with hold_runs([RUN]):
            pass
    assert str(caught.value) == (
        "results/a/work/run.lock: cannot be written: Not a directory: check results and its "
        "permissions"
    )


def test_a_stale_lock_of_the_run_is_removed_and_that_of_another_stays(home):
    write_lock("results/b/work/plan.json")
    assert remove_stale_lock([RUN.path], hold()) == [] and LOCK.exists()
    write_lock("g.fa", f"{home}/results/a/work/plan.json")
    assert remove_stale_lock([RUN.path], hold()) == [LOCK] and not LOCK.exists()


def test_the_lock_of_a_living_snakemake_stays(home, monkeypatch):
    write_lock("results/a/work/plan.json")
    monkeypatch.setattr(stale_lock, "find_snakemakes", lambda folder: [7] if folder == home else [])
    with pytest.raises(UserError) as caught:
        remove_stale_lock([RUN.path], hold())
    assert str(caught.value) == (
        f"{home}: another Snakemake (process 7) works on this run: wait until it ends"
    )
    assert LOCK.exists()


def test_on_a_shared_file_system_only_a_known_dead_process_is_proof(home, monkeypatch):
    write_lock("results/a/work/plan.json")
    monkeypatch.setattr(stale_lock, "LOCAL", frozenset())
    elsewhere = make_holder(Process("another system", 1, 1))
    dead = make_holder(Process(Process.of_caller().system, 2**22 + 1, 1))
    for former in ((), (elsewhere,), (dead, elsewhere)):
        with pytest.raises(UserError) as caught:
            remove_stale_lock([RUN.path], hold(*former))
        assert str(caught.value) == (
            f"{home}/.snakemake/locks: Snakemake's lock of this run may be that of a Snakemake on "
            f"another host: if none runs, remove it: rm {LOCK}"
        )
    assert remove_stale_lock([RUN.path], hold(dead)) == [LOCK]
