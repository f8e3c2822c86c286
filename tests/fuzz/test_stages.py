"""Any bytes of a file between two stages give a result of the next stage, or one error."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz_text import examples, mutated, outcome
from genometracks.cli import main
from genometracks.common.progress import read_progress
from genometracks.common.records import from_plain
from genometracks.config.settings import PlanSettings
from genometracks.inputs.genome import GenomeIndex
from genometracks.inputs.model import ModelFile
from genometracks.plan.make import make_plan
from genometracks.plan.plan import Plan
from genometracks.plan.probe_file import Probe, describe_probe
from genometracks.shards.merge import check_shards, read_merged, read_tracks
from toys import STRANDED, Run, make_words, write_fasta, write_model

DESCRIPTIONS = ("genome.json", "model.json", "probe.json")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """A run of three shards with probed settings, predicted and merged."""
    folder = tmp_path_factory.mktemp("stages")
    weights = write_model(folder, tracks=STRANDED)
    fasta = write_fasta(folder / "g.fa", {"b": "ACGT" * 90 + "N" * 99 + "CC" * 40, "a": "AC" * 90})
    pair = {"name": "p", "treatment": [0], "control": [1]}
    options = {"batch_size": "auto", "reverse_complement": True, "pairs": [pair], "trim": 2}
    run = Run(folder / "run", weights, fasta, shards=3, **options)
    run.probe()
    run.plan()
    run.predict()
    merged = make_words("merge", plan=run.work / "plan.json", out=run.work / "merge.json")
    assert main(merged) == 0
    return run


def plan_with(run: Run, name: str, data: bytes) -> None:
    """Plan the run from its descriptions, one of which has other bytes."""
    load = {"genome.json": GenomeIndex, "model.json": ModelFile, "probe.json": Probe}
    changed = run.folder / name
    changed.write_bytes(data)
    files = {each: changed if each == name else run.work / each for each in DESCRIPTIONS}
    genome, model, found = (load[each].load(files[each]) for each in DESCRIPTIONS)
    describe_probe(found)
    plan = make_plan(from_plain(PlanSettings, run.planned), model, genome, found=found)
    plan.save(run.folder / "plan.json")
    Plan.load(run.folder / "plan.json")


@pytest.mark.parametrize("name", DESCRIPTIONS)
@examples(60)
@given(data=st.data())
def test_a_changed_description(run, name, data):
    changed = data.draw(mutated((run.work / name).read_bytes()))
    outcome(lambda: plan_with(run, name, changed))


def use(plan: Plan) -> None:
    for shard in plan.shards:
        list(plan.placed_runs(shard.first, shard.last))
        plan.shard_bins(shard)
        plan.shard_contigs(shard)
    plan.spread_windows(5)


@examples(120)
@given(data=st.data())
def test_a_changed_plan(run, data):
    changed = run.folder / "changed.json"
    changed.write_bytes(data.draw(mutated((run.work / "plan.json").read_bytes())))
    outcome(lambda: use(Plan.load(changed)))


@examples(80)
@given(data=st.data())
def test_a_changed_sidecar_or_proof(run, data):
    plan, shards = Plan.load(run.work / "plan.json"), run.shards()
    ids = [plan.shards[0].id, plan.shards[-1].id]
    names = [*(f"shards/{name}.json" for name in ids), "merge.json"]
    name = data.draw(st.sampled_from(names))
    path = run.work / name
    valid = path.read_bytes()
    path.write_bytes(data.draw(mutated(valid)))
    try:
        sidecars = outcome(
            lambda: read_merged(run.work / "merge.json", plan, shards) or check_shards(plan, shards)
        )
        if sidecars:
            rows = range(len(plan.tracks))
            outcome(lambda: list(read_tracks(plan, shards, sidecars=sidecars, rows=rows)))
    finally:
        path.write_bytes(valid)


PROGRESS = (
    b'{"shard": "0", "done": 3, "total": 9, "rate": 1.5, "host": "h", "pid": 7, "updated": 1.0}'
)


@examples(100)
@given(mutated(PROGRESS))
def test_a_changed_progress_file(tmp_path_factory, data):
    path = Path(tmp_path_factory.getbasetemp()) / "progress.json"
    path.write_bytes(data)
    read_progress(path)
