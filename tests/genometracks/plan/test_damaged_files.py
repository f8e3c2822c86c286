"""A damaged description or plan is one error when it is loaded, or its values are possible."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genometracks.common.records import from_plain
from genometracks.config.settings import PlanSettings
from genometracks.errors import UserError
from genometracks.inputs.genome import GenomeIndex
from genometracks.inputs.model import ModelFile
from genometracks.plan.make import make_plan
from genometracks.plan.plan import Plan
from genometracks.plan.probe_file import Probe
from toys import Run

POSITIONS = 400
"""Bits that are flipped of each file, at random; all of them take minutes."""


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """A planned run with a probe, groups, pairs and paired strands."""
    from toys import STRANDED, write_fasta, write_model

    folder = tmp_path_factory.mktemp("flips")
    weights = write_model(folder, tracks=STRANDED)
    fasta = write_fasta(folder / "g.fa", {"b": "ACGT" * 60 + "N" * 100 + "CC" * 40, "a": "AC" * 90})
    pair = {"name": "p", "treatment": [0], "control": [1], "of": "ratio", "pseudocount": 1.0}
    run = Run(
        folder / "run",
        weights,
        fasta,
        shards="auto",
        batch_size="auto",
        reverse_complement=True,
        pairs=[pair],
        trim=2,
        blend=1,
        edges="slide",
    )
    run.probe()
    run.plan()
    return run


def plan_again(run: Run, folder: Path) -> Plan:
    """The stage after the descriptions, from the files of a folder."""
    return make_plan(
        from_plain(PlanSettings, run.planned),
        ModelFile.load(folder / "model.json"),
        GenomeIndex.load(folder / "genome.json"),
        found=Probe.load(folder / "probe.json"),
    )


def use(plan: Plan) -> None:
    """Everything that later stages compute from a plan."""
    for shard in plan.shards:
        list(plan.placed_runs(shard.first, shard.last))
        plan.shard_bins(shard)
        plan.shard_contigs(shard)
    plan.spread_windows(5)
    plan.shard(plan.shards[-1].id)
    for contig, length in plan.lengths.items():
        assert len(plan.segments[contig]) == 0 or plan.segments[contig][-1, 1] <= length


def flip(data: bytes, position: int, bit: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 1 << bit]) + data[position + 1 :]


@pytest.mark.parametrize("name", ["genome.json", "model.json", "probe.json", "plan.json"])
def test_a_flipped_bit_is_one_error_or_a_possible_value(run, tmp_path, name):
    for other in ("genome.json", "model.json", "probe.json", "plan.json"):
        (tmp_path / other).write_bytes((run.work / other).read_bytes())
    data = (tmp_path / name).read_bytes()
    random = np.random.default_rng(0)
    errors = 0
    for position, bit in zip(
        random.integers(0, len(data), POSITIONS), random.integers(0, 8, POSITIONS), strict=True
    ):
        (tmp_path / name).write_bytes(flip(data, int(position), int(bit)))
        try:
            use(Plan.load(tmp_path / name) if name == "plan.json" else plan_again(run, tmp_path))
        except UserError as error:
            errors += 1
            assert "\n" not in str(error)
    assert errors > POSITIONS / 8, "the highest bit of a byte is never valid"


def set_in(plain: object, path: str, value: object) -> None:
    """Set a nested value; steps of the path are keys and indices."""
    *steps, last = [int(step) if step.lstrip("-").isdecimal() else step for step in path.split(".")]
    for step in steps:
        plain = plain[step]
    if callable(value):
        value = value(plain[last])
    plain[last] = value


IMPOSSIBLE = [
    ("genome", "contigs", [], "there are no contigs"),
    ("genome", "contigs.0.length", -1, "length of contig 'b' -1 is less than 0"),
    ("genome", "contigs.0.length", 2**60, "length of contig 'b' 1152921504606846976 is greater"),
    ("genome", "contigs.0.length", 10**30, "length of contig 'b' 1000000000000000000000000000000"),
    ("genome", "contigs.1.name", "b", "two contigs have the same name"),
    ("genome", "contigs.0.gaps", [[240, 999]], "gaps of contig 'b' are not ascending and inside"),
    ("genome", "contigs.0.gaps", [[-1, 5]], "gaps of contig 'b' are not ascending and inside of"),
    ("genome", "contigs.0.gaps", [[5, 5]], "gaps of contig 'b' are not ascending and inside of"),
    ("genome", "contigs.0.gaps", [[5, 9], [9, 12]], "gaps of contig 'b' are not ascending and"),
    ("genome", "contigs.0.gaps", [[5, 10**30]], "gaps of contig 'b' are not whole numbers, or too"),
    ("model", "folds", [], "there are no folds"),
    ("model", "folds.0.weights", "", "weights '' is not a path"),
    ("model", "folds.0.weights", "a\0b", "weights 'a\\x00b' is not a path"),
    ("model", "geometry.window", 0, "window 0 is less than 1"),
    ("model", "geometry.bin", 0, "bin 0 is less than 1"),
    ("model", "geometry.bin", 64, "the bins cover 1536 bp, more than the window of 96"),
    ("model", "geometry.crop", -1, "crop -1 is less than 0"),
    ("model", "geometry.length", 10**30, "length 1000000000000000000000000000000 is greater than"),
    ("model", "tracks", lambda tracks: tracks[1:], "2 tracks, expected 3"),
    ("model", "tracks.1", {}, "track 1 has no name"),
    ("model", "tracks.1.name", 3, "track 1 has no name"),
    ("model", "strand_partners", [1, 0], "2 strand_partners, expected 3"),
    ("model", "strand_partners", [1, 0, 3], "strand_partner 3 is greater than 2"),
    ("model", "receptive_field", -1, "receptive_field -1 is less than 0"),
    ("model", "flanks", [-1, 5], "flank -1 is less than 0"),
    ("probe", "geometry.tracks", 0, "number of tracks 0 is less than 1"),
    ("probe", "batch_size", 0, "batch_size 0 is less than 1"),
    ("probe", "seconds", float("nan"), "seconds nan is not a positive number"),
    ("probe", "seconds", 0.0, "seconds 0.0 is not a positive number"),
    (
        "probe",
        "geometry.bin",
        float("inf"),
        "Expected `int | null`, got `float` - at `$.geometry.b",
    ),
    ("plan", "model.folds", [], "there are no folds"),
    ("plan", "geometry.bin", 0, "bin 0 is less than 1"),
    ("plan", "geometry.span", 99, "span 99 is greater than 4"),
    ("plan", "geometry.trim", 99, "bins that a window owns -180 is less than 1"),
    ("plan", "geometry.blend", 3, "blend 3 is greater than 2"),
    ("plan", "geometry.room", -1, "room -1 is less than 0"),
    ("plan", "settings.batch_size", 0, "batch_size 0 is less than 1"),
    ("plan", "windows", 3, "windows 3 is less than"),
    ("plan", "padded_bins", 10**6, "padded_bins 1000000 is greater than"),
    ("plan", "tracks", lambda tracks: tracks[1:], "3 tracks, expected 4"),
    ("plan", "tracks.0.track", "../a", "track '../a' is not a safe name"),
    ("plan", "tracks.0.track", "CAGE-", "two tracks have the same name"),
    ("plan", "recipe.channels", [0, 2, 1], "channels are not ascending"),
    ("plan", "recipe.channels.2", 3, "channel 3 is greater than 2"),
    ("plan", "recipe.partners", [1], "1 partners, expected 3"),
    ("plan", "recipe.partners.0", -1, "partner -1 is less than 0"),
    ("plan", "recipe.shifts", [], "there are no shifts"),
    ("plan", "recipe.outputs.0.members", [], "a track by mean lacks channels, or has too many"),
    ("plan", "recipe.outputs.0.members", [7], "member 7 is greater than 2"),
    ("plan", "recipe.outputs.3.of", "mean", "a track by mean lacks channels, or has too many"),
    ("plan", "recipe.outputs.3.control", [-1], "control -1 is less than 0"),
    ("plan", "segments.a", [[5, 5]], "segment [5, 5] of 'a' is out of place"),
    ("plan", "segments.b", [[0, 9], [9, 20]], "segment [9, 20] of 'b' is out of place"),
    ("plan", "segments.b", [[9, 20], [0, 3]], "segment [0, 3] of 'b' is out of place"),
    ("plan", "segments.b", [[0, 999]], "segment [0, 999] of 'b' is out of place"),
    ("plan", "segments", {"a": []}, "the segments are not those of the contigs, sorted by name"),
    ("plan", "shards", [], "there are no shards"),
    ("plan", "shards.0.first", 1, "shard '00000' does not continue at window 0"),
    ("plan", "shards.-1.last", 99, "the shards end at window 99 of"),
    ("plan", "shards.0.id", "../0", "the shards' ids are not different numbers"),
    ("plan", "format", 3, "format version 3, expected"),
]


@pytest.mark.parametrize(("name", "path", "value", "message"), IMPOSSIBLE)
def test_an_impossible_value_is_refused_at_loading(run, tmp_path, name, path, value, message):
    plain = json.loads((run.work / f"{name}.json").read_text())
    set_in(plain, path, value)
    file = tmp_path / f"{name}.json"
    file.write_text(json.dumps(plain))
    load = {"genome": GenomeIndex, "model": ModelFile, "probe": Probe, "plan": Plan}[name].load
    with pytest.raises(UserError) as caught:
        load(file)
    what = {"genome": "genome index", "model": "description of a model"}.get(name, name)
    assert str(caught.value).startswith(f"{file}: no usable {what} ({message}")
    assert str(caught.value).endswith("): delete it and run again")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"format": 4, "format": 4}', "key 'format' is given twice"),
        ("[" * 100_000, "maximum recursion depth exceeded"),
        ('{"format": 4}', "'tracks' is missing"),
        ('{"format": 4, "tracks": 5}', "'int' object is not iterable"),
        ('{"format": 4, "tracks": [5]}', "'int' object is not subscriptable"),
        ("[]", "list indices must be integers or slices, not str"),
        ('{"format": 4%s}' % ("0" * 5000), "Exceeds the limit"),
        ('{"format": 4, "tracks": ["\\ud800"]}', "'utf-8' codec can't encode character"),
    ],
    ids=lambda value: value[:30],
)
def test_a_file_that_is_no_plan_is_one_error(tmp_path, text, message):
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(UserError) as caught:
        Plan.load(tmp_path / "plan.json")
    assert str(caught.value).startswith(f"{tmp_path}/plan.json: no usable plan ({message}")


def test_a_plan_with_empty_shards_is_loaded(run, tmp_path):
    """Earlier versions planned shards without windows."""
    plan = Plan.load(run.work / "plan.json")
    empty = replace(plan.shards[-1], id="99999", first=plan.windows, last=plan.windows)
    replace(plan, shards=(*plan.shards, empty)).save(tmp_path / "plan.json")
    assert Plan.load(tmp_path / "plan.json").shards[-1] == empty
