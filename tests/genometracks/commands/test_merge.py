"""The proof that shards are complete: used by later stages, and withdrawn where it is not true."""

import logging

import pytest

from genometracks.cli import main
from genometracks.commands.merge import find_sidecars, withdraw_proof
from genometracks.config.folders import RunFolder
from genometracks.plan.plan import Plan
from genometracks.shards.merge import check_shards
from toys import make_words


@pytest.fixture
def merged(run):
    """A run of three shards whose merge.json is written."""
    run.command("merge", plan=run.work / "plan.json", out=run.work / "merge.json")
    return run


def test_what_merging_proved_is_taken_from_its_file(merged, monkeypatch):
    plan, folder = Plan.load(merged.work / "plan.json"), RunFolder(merged.folder)
    proved, checked = find_sidecars(plan, folder), []
    assert len(proved) == 3

    def check(*where):
        checked.append(where)
        return check_shards(*where)

    monkeypatch.setattr("genometracks.shards.merge.check_shards", check)
    assert find_sidecars(plan, folder) == proved and not checked
    folder.merged.unlink()
    assert find_sidecars(plan, folder) == proved and len(checked) == 1


def test_a_lost_shard_withdraws_the_proof(merged, capsys):
    (merged.shards() / "1.json").unlink()
    assert main(make_words("bigwig", plan=merged.work / "plan.json")) == 1
    assert "shard 1 (bins from " in capsys.readouterr().err.splitlines()[-1]
    assert not (merged.work / "merge.json").exists()


def test_another_error_does_not(merged, capsys):
    (merged.folder / "bigwig").write_text("a file in the place of the folder")
    assert main(make_words("bigwig", plan=merged.work / "plan.json")) == 1
    assert (merged.work / "merge.json").exists()


def test_a_proof_that_cannot_be_deleted_is_a_note(tmp_path, caplog):
    folder = RunFolder(tmp_path)
    folder.merged.mkdir(parents=True)  # unlink refuses a folder, as it does in a read-only one
    with caplog.at_level(logging.WARNING):
        withdraw_proof(folder)
    (note,) = caplog.messages
    assert note.startswith(f"{folder.merged}: cannot be deleted: ")
    assert note.endswith("delete it before the next run")
    withdraw_proof(RunFolder(tmp_path / "nothing"))
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("results", [False, True])
def test_what_describes_a_whole_run_is_withdrawn_with_its_results(tmp_path, results):
    folder = RunFolder(tmp_path)
    described = [folder.manifest, folder.summary, folder.report]
    folder.work.mkdir()
    for path in (folder.merged, *described):
        path.write_text("")
    withdraw_proof(folder, results=results)
    assert not folder.merged.exists()
    assert [path.exists() for path in described] == [not results] * 3
