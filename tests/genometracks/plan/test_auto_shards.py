"""`shards: auto`: shards of 45 minutes, from the seconds per window that the probe measured."""

import json

import pytest

from genometracks.cli import main
from genometracks.common.records import from_plain
from genometracks.config.settings import PlanSettings
from genometracks.errors import UserError
from genometracks.inputs.genome import GenomeIndex
from genometracks.inputs.model import ModelFile
from genometracks.plan.make import make_plan
from genometracks.plan.plan import Plan
from genometracks.plan.tile import MOST, time_shards
from genometracks.preflight import probe
from toys import make_words, random_bases, write_fasta


@pytest.mark.parametrize(
    ("windows", "batch", "seconds", "size"),
    [
        (1_000_000, 4, 1.0, 2_700),  # 45 minutes, whole batches
        (1_000_000, 32, 1.0, 2_688),
        (1_000_000, 4, 0.01, 270_000),
        (10, 4, 0.01, 270_000),  # one shard holds all
        (1_000_000, 8, 3_600.0, 104),  # at least one batch, and at most 10,000 shards
        (10_000, 8, 3_600.0, 8),
        (48_000_000, 64, 1.0, 5_120),  # 10,000 shards of 4,800 windows, rounded up
    ],
)
def test_a_shard_takes_45_minutes_within_limits(windows, batch, seconds, size):
    assert time_shards(windows, batch=batch, seconds=seconds) == size
    assert -(-windows // size) <= MOST


@pytest.fixture
def timed(monkeypatch, make_run):
    """A run with a clock by which a window takes 300 s."""
    monkeypatch.setattr(probe, "time_best", lambda forward, windows, device: 300.0 * len(windows))
    return make_run(shards="auto")


def test_shards_follow_the_probe_and_stay_when_the_genome_grows(timed):
    timed.probe()
    found = json.loads((timed.work / "probe.json").read_text())
    assert found["seconds"] == 300.0
    plan = timed.plan()
    # 9 windows take 45 minutes; batches hold 4.
    assert [(shard.id, shard.first, shard.last) for shard in plan.shards] == [
        (f"{i:05d}", 8 * i, min(8 * (i + 1), plan.windows)) for i in range(len(plan.shards))
    ]
    assert len(plan.shards) == -(-plan.windows // 8) > 1
    words = make_words("shards", plan=timed.work / "plan.json", out=timed.work / "shards.txt")
    assert main(words) == 0
    assert (timed.work / "shards.txt").read_text().split() == [shard.id for shard in plan.shards]
    timed.predict()
    kept = [shard.digest for shard in plan.shards]
    contigs = {"zz": random_bases(4000, seed=9)}
    write_fasta(timed.folder / "more.fa", contigs)
    with open(timed.fasta, "ab") as file:  # another contig, after the others
        file.write((timed.folder / "more.fa").read_bytes())
    timed.probe()
    grown = timed.plan()
    assert len(grown.shards) > len(kept)
    assert [shard.digest for shard in grown.shards[: len(kept) - 1]] == kept[:-1]


def test_automatic_shards_need_a_probe(make_run):
    run = make_run(shards="auto")
    run.prepare()
    model = ModelFile.load(run.work / "model.json")
    genome = GenomeIndex.load(run.work / "genome.json")
    settings = from_plain(PlanSettings, run.planned)
    with pytest.raises(
        UserError, match="^shards: left at auto, and no probe determined it: run again"
    ):
        make_plan(settings, model, genome)


def test_a_plan_reports_time_and_disk_space(timed, capsys):
    timed.probe()
    plan: Plan = timed.plan()
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert f"windows {plan.windows:,} 96 bp in, 18 bins of 4 bp out" in lines
    assert "a window 300 s on cpu" in lines
    hours = plan.windows * 300 / 3600
    assert any(line.startswith(f"1 job {hours:.1f} h") for line in lines)
    size = plan.bins * len(plan.tracks) * 4
    assert any(f"{size:,} B of float32, exact" in line for line in lines)
