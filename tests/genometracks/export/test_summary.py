"""The combined notes of shards, and the lines of the summary."""

import json
from dataclasses import replace

import pytest

from genometracks.common.deviation import Deviation
from genometracks.config.sections import EvaluationConfig, Sites
from genometracks.evaluation.table import SiteScore, write_evaluation
from genometracks.export.summary import write_summary
from genometracks.plan.plan import Plan
from genometracks.shards.provenance import combine_notes
from genometracks.shards.sidecar import Checksum, Notes, Seams, Sidecar


def sidecar(bins: int = 5, **notes) -> Sidecar:
    made = Notes(**{"device": "cpu", "batch_size": 4, **notes})
    return Sidecar(2, "0", "", "<f4", (2, bins), [], Checksum("xxh3_64"), made)


def test_notes_are_counted_and_the_largest_deviation_is_kept():
    near, far = Deviation(3.0, 300.0), Deviation(0.5, 2.0)
    found = combine_notes(
        [
            sidecar(deviation=near),
            sidecar(device="GPU", compiled=True, deviation=far),
            sidecar(batch_size=2),
            sidecar(bins=0, device="not used"),
        ]
    )
    assert found.devices == {"cpu": 2, "GPU": 1}
    assert found.batch_sizes == {"4": 2, "2": 1}
    assert found.compiled == 1
    assert found.deviation == far and far.relative == 0.25
    assert found.borders is None
    assert Deviation(0.0, 0.0).relative == 0.0


def test_seams_are_weighted_by_the_bins_compared():
    found = combine_notes(
        [
            sidecar(borders=Seams(10, [1.0, 0.0], [2.0, 4.0])),
            sidecar(borders=Seams(30, [3.0, 1.0], [2.0, 0.0])),
            sidecar(),
        ]
    )
    assert found.borders == Seams(40, [2.5, 0.75], [2.0, 1.0])


@pytest.fixture
def summarise(run):
    """Write the summary of a run with a made-up part of its manifest; return its lines."""

    def write(tracks: int = 3, evaluation=None, trim: int = 4, blend: int = 0, **made) -> list[str]:
        plan = Plan.load(run.work / "plan.json")
        named = tuple(replace(plan.tracks[0], name=f"t{i}") for i in range(tracks))
        geometry = replace(plan.geometry, trim=trim, blend=blend)
        plan = replace(plan, tracks=named, geometry=geometry)
        found = {"devices": {"cpu": 3}, "batch_sizes": {"4": 3}, "compiled": 0}
        found |= {"deviation": None, **made}
        (run.folder / "manifest.json").write_text(json.dumps({"prediction": found}))
        out = run.folder / "summary.txt"
        evaluation = evaluation or EvaluationConfig()
        write_summary(out, plan, evaluation=evaluation, logs=run.folder / "logs")
        return out.read_text().splitlines()

    return write


def test_the_summary_describes_the_arithmetic(summarise):
    assert summarise()[3] == "arithmetic   fp32 on cpu, batches of 4"
    line = summarise(
        devices={"NVIDIA X": 2, "NVIDIA Y": 1},
        batch_sizes={"4": 2, "2": 1},
        deviation={"largest": 0.3, "scale": 24.0},
    )[3]
    assert line == (
        "arithmetic   fp32 on NVIDIA X, NVIDIA Y, batches of 4 (2 at once where memory was "
        "short), at most 0.012 of the largest value off"
    )


def test_the_summary_states_the_share_of_ambiguous_letters(summarise, make_run):
    line = summarise()[0]
    assert "; contigs: 4, 2,025 bp, 0.15% of them ambiguous letters, read as N; " in line
    run = make_run("plain", sequences={"a": "ACGTN" * 40})
    run.plan()
    assert "ambiguous" not in (run.work / "plan.json").read_text()
    assert "ambiguous" not in (run.work / "genome.json").read_text()


def test_the_summary_describes_how_much_windows_differ(summarise):
    assert summarise(trim=0)[4] == (
        "seams        not measurable: without prediction.trim, no bin at a border is predicted by "
        "two windows"
    )
    seams = {"bins": 9, "difference": [0.1, 0.02, 0.0], "scale": [2.0, 1.0, 0.0]}
    assert summarise(borders=seams)[4] == (
        "seams        neighbouring windows differ in the bins on each side of a border by 5.00% "
        "t0, 2.00% t1, 0.00% t2 of the mean |value| there"
    )
    assert "in the bins that are blended by 5.00% t0" in summarise(borders=seams, blend=2)[4]
    worse = {"bins": 9, "difference": [1.0, 5.0, 2.0, 4.0, 3.0], "scale": [100.0] * 5}
    assert "by 3.00% the middle track, 5.00% the worst, t1 of" in summarise(5, borders=worse)[4]


def test_the_measure_of_earlier_versions_is_not_shown(summarise):
    seams = {"bins": 9, "difference": [0.1, 0.02, 0.0], "scale": [2.0, 1.0, 0.0]}
    assert summarise(seams=seams)[4] == (
        "seams        not measured: no two windows are neighbours, or an earlier version predicted "
        "the shards"
    )


def test_the_summary_states_the_bins_near_contig_ends(summarise, run):
    plan = Plan.load(run.work / "plan.json")
    share = f"{100 * plan.padded_bins / plan.bins:.2g}%"
    assert plan.padded_bins and summarise()[0].endswith(
        f"; {plan.padded_bins:,} bins ({share}) near contig ends read N, as usual"
    )


def test_the_summary_has_a_line_for_each_entry_of_sites(summarise, run):
    row = SiteScore("a+", "x", "*", "all", 99, 12, 2, 10, 0.88, 2 / 3, 1, 9, 0.0, 0.125)
    held = replace(row, track="d+", bins_in="held_out", shift=-2)
    write_evaluation([], run.folder / "evaluation.tsv", sites=[row, held])
    sites = (Sites("a+", "x.bed"), Sites("d+", "x.bed"))
    lines = summarise(evaluation=EvaluationConfig(sites=sites))
    assert lines[5:7] == [
        "sites        top-k 0.8800, average precision 0.6667 on all bins (0.0000 and 0.1250 moved "
        "by 1 bin): a+ and x",
        "sites        top-k 0.8800, average precision 0.6667 on held-out bins (0.0000 and 0.1250 "
        "moved by -2 bins): d+ and x",
    ]
    assert len(lines) == 8 and len(summarise()) == 7
