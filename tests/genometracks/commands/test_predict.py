"""A prediction job keeps its progress in a file while it runs."""

import pytest

from genometracks.cli import main
from genometracks.common import progress
from genometracks.common.progress import ProgressFile, read_progress
from genometracks.errors import UserError
from genometracks.plan.plan import Plan
from genometracks.status.read import read_status
from toys import make_words


@pytest.fixture
def planned(make_run):
    run = make_run(shards=2, batch_size=2)
    run.plan()
    return run


def predict_words(run) -> list[str]:
    fasta = run.work / "genome.fa"
    return make_words("predict", plan=run.work / "plan.json", shard="0", fasta=fasta, device="cpu")


def test_progress_is_there_while_a_shard_is_predicted(planned, monkeypatch):
    monkeypatch.setattr(progress, "FILE_SECONDS", 0.0)
    seen = []

    class Watched(ProgressFile):
        def __call__(self, done: int, total: int) -> None:
            super().__call__(done, total)
            seen.append((read_progress(planned.work / "progress" / "0.json"), done, total))

    monkeypatch.setattr("genometracks.commands.predict.ProgressFile", Watched)
    assert main(predict_words(planned)) == 0
    assert len(seen) > 2 and seen[-1][1] == seen[-1][2]
    assert all(
        (found.shard, found.done, found.total) == ("0", *numbers) for found, *numbers in seen
    )
    assert not list((planned.work / "progress").iterdir())
    assert read_status(planned.folder).shards[0].state == "done"


def test_progress_is_there_before_the_model_is_loaded(planned, monkeypatch):
    seen = []

    def load(plan):
        seen.append(read_progress(planned.work / "progress" / "0.json"))
        raise UserError("no model")

    monkeypatch.setattr("genometracks.predict.predict.load_planned_model", load)
    assert main(predict_words(planned)) == 1
    shard = Plan.load(planned.work / "plan.json").shards[0]
    assert [(found.done, found.total) for found in seen] == [(0, shard.windows)]
    assert not list((planned.work / "progress").iterdir())


def test_what_a_killed_job_left_is_removed(planned):
    left = planned.work / "progress" / "0.json"
    for shard in ("is predicted", "is complete"):
        left.parent.mkdir(exist_ok=True)
        left.write_text("{}")
        assert main(predict_words(planned)) == 0, shard
        assert not left.exists()


def test_a_job_whose_progress_cannot_be_written_goes_on(planned, monkeypatch):
    monkeypatch.setattr(progress, "FILE_SECONDS", 0.0)
    (planned.work / "progress").write_text("a file in the place of the folder")
    assert main(predict_words(planned)) == 0
    assert (planned.shards() / "0.json").exists()
