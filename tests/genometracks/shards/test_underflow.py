"""Values that are too small for float16 are counted per track, summed over shards and reported."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from genometracks.cli import main
from genometracks.config.resolve import resolve_config
from genometracks.plan.plan import Plan
from genometracks.shards.merge import check_shards
from genometracks.shards.provenance import combine_notes
from genometracks.shards.shard import write_shard
from genometracks.shards.sidecar import Notes, read_sidecar
from genometracks.shards.underflow import Underflow, UnderflowMeter, describe_underflow
from toys import make_words

FLOATS = st.floats(-(2.0**-13), 2.0**-13, width=32) | st.floats(-6e4, 6e4, width=32)


def count_by_hand(values: np.ndarray) -> tuple[list[int], list[int]]:
    """Values that are stored below 2**-14 and lose more than 2**-11 of themselves; zeros."""
    lost, zeros = [0] * len(values), [0] * len(values)
    for track, row in enumerate(values.tolist()):
        for value in row:
            stored = float(np.float16(value))
            zeros[track] += value == 0
            lost[track] += abs(stored) < 2**-14 and abs(stored - value) > abs(value) * 2**-11
    return lost, zeros


@given(
    arrays.arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 12)), elements=FLOATS),
    st.integers(0, 12),
)
def test_the_counts_are_those_of_a_plain_loop_for_any_pieces(values, cut):
    meter = UnderflowMeter(len(values))
    for piece in (values[:, :cut], values[:, cut:]):
        meter.add(piece, piece.astype(np.float16))
    lost, zeros = count_by_hand(values)
    listed = [track for track in range(len(values)) if lost[track] or zeros[track]]
    found = meter.measured() or Underflow([], [], [])
    assert found.tracks == listed
    assert found.lost == [lost[track] for track in listed]
    assert found.zeros == [zeros[track] for track in listed]


@pytest.mark.parametrize(
    ("value", "lost"),
    [
        (0.0, False),
        (2.0**-14, False),
        (-6.2e-5, False),
        (2.0**-24, False),  # exact
        (1.5 * 2.0**-24, True),  # a tie, rounded by a third
        (-1e-5, True),
        (2.0**-25, True),  # becomes zero
        (1e-30, True),
    ],
)
def test_a_value_is_lost_if_fewer_than_three_digits_are_kept(value, lost):
    piece, meter = np.full((1, 3), value, np.float32), UnderflowMeter(1)
    meter.add(piece, piece.astype(np.float16))
    found = meter.measured()
    assert (found.lost[0] if found else 0) == 3 * lost
    assert (found.zeros[0] if found else 0) == 3 * (value == 0)


def write_values(run, dtype: str, factors: list[float]) -> Plan:
    """Write every shard of a planned run: values from 1 to 2, each track times its factor."""
    plan = Plan.load(run.work / "plan.json")
    plan = replace(plan, settings=replace(plan.settings, dtype=dtype))
    for shard in plan.shards:
        bins = sum(last - first for _, first, last in plan.shard_bins(shard))
        values = np.linspace(1, 2, bins, dtype=np.float32) * np.float32(factors)[:, None]
        pieces = [values[:, :7], values[:, 7:]]
        write_shard(run.shards(), plan, shard, pieces=pieces, notes=lambda: Notes(device="cpu"))
    return plan


@pytest.mark.parametrize(
    ("dtype", "factors"), [("float32", [1, 1e-7, 0]), ("float16", [1, 0.1, 6.2e-5])]
)
def test_without_a_loss_the_sidecar_has_no_such_field(make_run, dtype, factors):
    run = make_run(shards=3, dtype=dtype)
    run.plan()
    plan = write_values(run, dtype, factors)
    assert list(run.notes()) == ["device", "batch_size", "compiled"]
    assert combine_notes(check_shards(plan, run.shards())).underflow is None


def test_tracks_that_lose_digits_are_counted_over_all_shards(make_run):
    run = make_run(shards=3, dtype="float16")
    run.plan()
    plan = write_values(run, "float16", [1e-7, 0, 1])
    assert run.notes()["underflow"]["tracks"] == [0, 1]
    assert read_sidecar(run.shards(), plan, plan.shards[0]).notes.underflow.tracks == [0, 1]
    found = combine_notes(check_shards(plan, run.shards())).underflow
    shape = [plan.shard_bins(shard) for shard in plan.shards]
    sizes = [sum(last - first for _, first, last in ranges) for ranges in shape]
    rows = [np.linspace(1, 2, size, dtype=np.float32) * np.float32(1e-7) for size in sizes]
    (lost,), _ = count_by_hand(np.concatenate(rows)[None])
    assert found == Underflow([0], [lost], [0])
    assert 0.9 * plan.bins < lost <= plan.bins


def test_the_merge_and_the_summary_name_the_worst_tracks_and_the_remedy(make_run, capsys):
    run = make_run(shards=2, dtype="float16")
    plan = run.plan()
    write_values(run, "float16", [1e-9, 1, 1e-6])
    merged = run.work / "merge.json"
    assert main(make_words("merge", plan=run.work / "plan.json", out=merged)) == 0
    found = combine_notes(check_shards(plan, run.shards())).underflow
    share = found.lost[1] / plan.bins
    text = (
        "float16 keeps fewer than 3 digits of values below 6.1e-05, more than 1% of the non-zero "
        f"bins in 2 of 3 tracks; most in one (100.0%), three ({share:.1%}): "
        "set output.dtype to float32 to predict them again"
    )
    assert 0.9 < share < 1 and f"genometracks: note: {text}\n" in capsys.readouterr().err
    config = resolve_config({"genome": {"fasta": "g.fa"}, "model": {"weights": "m.pt"}})
    manifest, summary = run.folder / "manifest.json", run.folder / "summary.txt"
    words = {"plan": run.work / "plan.json"}
    assert main(make_words("manifest", settings=config, out=manifest, **words)) == 0
    written = json.loads(manifest.read_text())
    assert written["prediction"]["underflow"]["tracks"] == [0, 2]
    assert "underflow" not in written["shards"]["0"]["notes"]
    assert main(make_words("summary", settings={}, logs=run.folder, out=summary, **words)) == 0
    assert f"arithmetic   fp32 on cpu, batches of 4 (0 at once where memory was short); {text}" in (
        summary.read_text().splitlines()
    )


def test_a_loss_in_few_bins_is_not_reported():
    found = Underflow([0, 1, 2], [10, 11, 1], [0, 0, 950])
    text = describe_underflow(found, names=["a", "b", "c"], bins=1000)
    assert "2 of 3 tracks; most in c (2.0%), b (1.1%): " in text
    assert describe_underflow(Underflow([0], [10], [0]), names=["a"], bins=1000) == ""
    assert describe_underflow(None, names=["a"], bins=1000) == ""


def test_of_many_tracks_three_are_named():
    tracks = list(range(7611))
    found = Underflow(tracks, [1000 - track % 100 for track in tracks], [0] * len(tracks))
    text = describe_underflow(found, names=[f"t{track}" for track in tracks], bins=1000)
    assert "in 7,611 of 7,611 tracks; most in t0 (100.0%), t100 (100.0%), t200 (100.0%): " in text
    assert len(text) < 300
