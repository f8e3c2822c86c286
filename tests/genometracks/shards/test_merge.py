"""Merging proves that every bin is present once, and that no byte changed."""

import json

import numpy as np
import pytest
import xxhash

from genometracks.common.records import format_record
from genometracks.errors import UserError
from genometracks.plan.plan import Plan
from genometracks.plan.tile import size_shards
from genometracks.shards import merge
from genometracks.shards.merge import check_shards, read_merged, read_tracks, save_merged
from genometracks.shards.provenance import combine_notes
from genometracks.shards.sidecar import read_sidecar, shard_paths


def plan_of(run) -> Plan:
    return Plan.load(run.work / "plan.json")


def write_sealed(sidecar, fields: dict) -> None:
    del fields["seal"]
    fields["seal"] = xxhash.xxh3_64_hexdigest(json.dumps(fields, sort_keys=True).encode())
    sidecar.write_text(json.dumps(fields))


def rewrite_ranges(run, shard: str, change) -> None:
    """Forge a sidecar whose ranges are changed, and its shape with them."""
    sidecar = shard_paths(run.shards(), shard)[1]
    fields = json.loads(sidecar.read_text())
    fields["ranges"] = change(fields["ranges"])
    bins = sum(last - first for _, first, last in fields["ranges"])
    fields["shape"] = [3, bins]
    write_sealed(sidecar, fields)
    np.save(shard_paths(run.shards(), shard)[0], np.zeros((3, bins), np.float32))


def test_sound_shards_pass_and_cover_the_plan(run):
    plan = plan_of(run)
    sidecars = check_shards(plan, run.shards())
    bins = sum(last - first for rows in plan.segments.values() for first, last in rows)
    assert sum(sidecar.shape[1] for sidecar in sidecars) == bins


def test_ranges_are_in_the_order_of_contig_names_and_bins(run):
    plan = plan_of(run)
    ranges = [row for sidecar in check_shards(plan, run.shards()) for row in sidecar.ranges]
    assert ranges == sorted(ranges)
    assert list(dict.fromkeys(contig for contig, _, _ in ranges)) == [
        "chr1",
        "chr10",
        "chr2",
        "tiny",
    ]


def test_a_missing_shard_is_named(run):
    shard_paths(run.shards(), "1")[0].unlink()
    with pytest.raises(UserError, match=r"1.npy: shard 1 \(bins from chr\S+:\d+-\d+\) is missing"):
        check_shards(plan_of(run), run.shards())


@pytest.mark.parametrize("change", ["cut", "grown", "other digest", "no JSON", "other dtype"])
def test_a_stale_or_damaged_shard_does_not_exist(run, change):
    data, sidecar = shard_paths(run.shards(), "1")
    if change == "cut":
        data.write_bytes(data.read_bytes()[:-1])
    elif change == "grown":
        data.write_bytes(data.read_bytes() + b"x")
    elif change == "other digest":
        sidecar.write_text(sidecar.read_text().replace('"digest": "', '"digest": "0'))
    elif change == "no JSON":
        sidecar.write_text("{")
    else:
        np.save(data, np.load(data).astype(np.float64))
    plan = plan_of(run)
    assert read_sidecar(run.shards(), plan, plan.shards[1]) is None
    with pytest.raises(UserError, match=r"shard 1 .* is stale or damaged: delete it and run again"):
        check_shards(plan, run.shards())


def test_a_flipped_bit_in_any_row_is_found(run):
    plan = plan_of(run)
    data = shard_paths(run.shards(), "1")[0]
    sound = data.read_bytes()
    sidecars = check_shards(plan, run.shards())
    row = sidecars[1].shape[1] * 4
    for track in range(3):
        broken = bytearray(sound)
        broken[len(sound) - 3 * row + track * row + 5] ^= 1
        data.write_bytes(broken)
        with pytest.raises(UserError, match=r"1.npy: the data changed since it was written"):
            for _ in read_tracks(plan, run.shards(), sidecars=sidecars, rows=range(track, 3)):
                pass


def test_missing_bins_are_named_by_locus(run):
    rewrite_ranges(run, "0", lambda rows: [["chr1", 0, 5], ["chr1", 7, rows[0][2]], *rows[1:]])
    with pytest.raises(
        UserError, match=r"^missing bins at chr1:20-28: delete the run's work/shards and run again$"
    ):
        check_shards(plan_of(run), run.shards())


def test_duplicate_bins_are_named_by_locus(run):
    rewrite_ranges(run, "1", lambda rows: [["chr1", 3, 9], *rows])
    with pytest.raises(
        UserError,
        match=r"^duplicate bins at chr1:12-36: delete the run's work/shards and run again$",
    ):
        check_shards(plan_of(run), run.shards())


@pytest.mark.parametrize(
    ("extra", "locus"),
    [(["chr10", 0, 4], "chr10:0-16"), (["tiny", 6, 9], "tiny:24-21"), (["x", 1, 2], "x:4-8")],
)
def test_foreign_bins_are_named_by_locus(run, extra, locus):
    rewrite_ranges(run, "2", lambda rows: [*rows, extra])
    with pytest.raises(
        UserError, match=f"^foreign bins at {locus}: delete the run's work/shards and run again$"
    ):
        check_shards(plan_of(run), run.shards())


def test_the_proof_of_a_merge_is_read_back_without_the_sidecars(run, monkeypatch):
    plan, path = plan_of(run), run.work / "merge.json"
    proved = check_shards(plan, run.shards())
    save_merged(path, proved)
    monkeypatch.setattr(merge, "read_sidecar", None)
    assert read_merged(path, plan, run.shards()) == proved
    assert proved[1].bytes == (run.shards() / "1.npy").stat().st_size
    assert proved[1].checksum.rows is None and proved[1].checksum.of_rows


@pytest.mark.parametrize("change", ["no file", "no JSON", "format", "other plan", "cut", "sidecar"])
def test_the_proof_of_a_merge_holds_only_for_its_plan_and_files(run, change):
    plan, path = plan_of(run), run.work / "merge.json"
    save_merged(path, check_shards(plan, run.shards()))
    if change == "no file":
        path.unlink()
    elif change == "no JSON":
        path.write_text("[")
    elif change == "format":
        path.write_text(path.read_text().replace('"format": 1', '"format": 0', 1))
    elif change == "other plan":
        run.planned["trim"] = 1
        plan = run.plan()
    elif change == "cut":
        data = run.shards() / "1.npy"
        data.write_bytes(data.read_bytes()[:-1])
    else:
        (run.shards() / "1.json").unlink()
    assert read_merged(path, plan, run.shards()) is None


def test_a_shard_written_again_since_the_merge_is_not_read(run):
    plan = plan_of(run)
    sidecars = check_shards(plan, run.shards())
    sidecar = run.shards() / "1.json"
    fields = json.loads(sidecar.read_text())
    fields["checksum"]["rows"] = fields["checksum"]["rows"][::-1]
    write_sealed(sidecar, fields)
    with pytest.raises(UserError, match=r"1.npy: written again since .*: run again$"):
        for _ in read_tracks(plan, run.shards(), sidecars=sidecars, rows=range(1)):
            pass


def test_the_size_of_pieces_does_not_change_what_is_read(run, monkeypatch):
    plan = plan_of(run)
    sidecars = check_shards(plan, run.shards())

    def read() -> list:
        stream = read_tracks(plan, run.shards(), sidecars=sidecars, rows=range(1, 3))
        return [
            (contig, first + i, values[:, i].tobytes())
            for contig, first, values in stream
            for i in range(values.shape[1])
        ]

    whole = read()
    monkeypatch.setattr("genometracks.shards.shard.PIECE", 7)
    assert read() == whole


def test_the_digest_of_a_shard_depends_only_on_its_own_windows(make_run, contigs):
    before = make_run("before", shards=9).plan()
    changed = {**contigs, "tiny": contigs["tiny"][::-1]}
    after = make_run("after", shards=9, sequences=changed).plan()
    same = [a.digest == b.digest for a, b in zip(before.shards, after.shards, strict=True)]
    touching = [
        any(contig == "tiny" for contig, _, _ in before.window_runs(shard.first, shard.last))
        for shard in before.shards
    ]
    assert same == [not touched for touched in touching] and sum(touching) == 1
    trimmed = make_run("trimmed", shards=9, trim=1).plan()
    assert not {shard.digest for shard in trimmed.shards} & {s.digest for s in before.shards}


def test_a_genome_that_grows_at_its_end_keeps_its_shards(make_run, contigs):
    before = make_run("before", shards=3).plan()
    longer = {**contigs, "zz": contigs["chr1"][:150] if "chr1" in contigs else "ACGT" * 40}
    after = make_run("after", shards=3, sequences=longer).plan()
    assert after.windows > before.windows
    kept = [a.digest == b.digest for a, b in zip(before.shards, after.shards, strict=True)]
    assert kept == [True, True, False]


@pytest.mark.parametrize("shards", [1, 2, 7, 64, 1000])
@pytest.mark.parametrize("windows", [1, 100, 12_345, 48_000_000])
def test_shards_have_one_round_size_and_hold_all_windows(windows, shards):
    size = size_shards(windows, batch=32, shards=shards)
    assert size % 32 == 0 and size * shards >= windows
    least = -(-windows // (32 * shards)) * 32
    assert least <= size <= max(least * 9 / 8, least)
    grown = size_shards(windows + windows // 1000, batch=32, shards=shards)
    assert grown in (size, size_shards(size * shards + 1, batch=32, shards=shards))


def test_sidecars_with_the_seams_of_earlier_versions_stay_valid(run):
    plan, old = plan_of(run), {"bins": 8, "difference": [0.5] * 3, "scale": [1.0] * 3}
    for shard in plan.shards:
        path = shard_paths(run.shards(), shard.id)[1]
        fields = json.loads(path.read_text())
        fields["notes"] = {"seams": old, **fields["notes"]}
        write_sealed(path, fields)
    found = check_shards(plan, run.shards())
    assert len(found) == 3 and all(sidecar.notes.borders is None for sidecar in found)
    assert combine_notes(found).borders is None
    assert "seams" not in format_record(combine_notes(found))
