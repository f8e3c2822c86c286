"""A plan compared with a plain loop over bases: which window owns each bin, and what it reads."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genometracks.common.intervals import merge_intervals
from genometracks.errors import UserError
from genometracks.graph.runs import name_shards
from genometracks.inputs.bases import Bases
from genometracks.inputs.bed import Bed
from genometracks.inputs.genome import Contig, GenomeIndex, scan_fasta
from genometracks.plan.geometry import place_windows
from genometracks.plan.plan import Plan
from genometracks.plan.tile import Scope
from genometracks.predict.batches import align_windows, cut_owned, encode_batch, read_batches
from grelu_models.checkpoint import load
from toys import measured_geometry, merged, one_hot, plan_by_hand, write_fasta

CPU = torch.device("cpu")


def expect_bins(contigs, measured, placement, *, regions=None, blacklist=()) -> dict:
    """{(contig, bin): (window, start of the window)} of every planned bin, in order."""
    window, size, length = measured["window"], measured["bin"], measured["length"]
    step, span = size or placement["stride"], size or min(placement["stride"], window)
    owned = length - 2 * placement["trim"]
    found = {}
    for contig, bases in sorted(contigs.items()):
        for k in range(-(-len(bases) // step)):
            covered = range(k * step, min(k * step + span, len(bases)))
            known = any(
                bases[p] in "ACGTacgt" and not lies_in(blacklist, contig, p) for p in covered
            )
            near = regions is None or any(lies_in(regions, contig, p) for p in covered)
            if known and near:
                number = k // owned
                if size:
                    start = (number * owned - placement["trim"] - measured["crop"]) * size
                else:
                    start = k * step - max(window - step, 0) // 2
                if placement["edges"] == "slide" and size:
                    unused = sum(
                        p * size >= len(bases) for p in range(number * owned, (number + 1) * owned)
                    )
                    start = slide(start, window, len(bases), size, placement["trim"], unused)
                found[contig, k] = (number, start)
    return found


def lies_in(rows, contig: str, position: int) -> bool:
    return any(name == contig and start <= position < end for name, start, end in rows)


def slide(start: int, window: int, length: int, size: int, trim: int, unused: int) -> int:
    """Move a window inwards, bin by bin, while it extends past the contig and may move."""
    moved = 0
    while start < 0 and moved < trim and start + size + window <= length:
        start, moved = start + size, moved + 1
    while start + window > length and moved < trim + unused and start >= size:
        start, moved = start - size, moved + 1
    return start


@st.composite
def models(draw):
    """A measured geometry, and settings of window placement that suit it."""
    edges = draw(st.sampled_from(["pad", "slide"]))
    if draw(st.booleans()):
        window = draw(st.integers(1, 40))
        stride = draw(st.one_of(st.integers(1, window), st.integers(window + 1, window + 30)))
        placement = {"stride": stride, "trim": 0, "edges": edges}
        return {"window": window, "bin": None, "crop": 0, "length": 1}, placement
    size, length, crop = draw(st.integers(1, 7)), draw(st.integers(1, 9)), draw(st.integers(0, 5))
    trim = draw(st.sampled_from([0, (length - 1) // 2, draw(st.integers(0, (length - 1) // 2))]))
    measured = {"window": size * (length + 2 * crop), "bin": size, "crop": crop, "length": length}
    return measured, {"stride": None, "trim": trim, "edges": edges}


@st.composite
def genomes(draw):
    """Contigs of bases in either case, IUPAC codes and N; many are shorter than a window."""
    pieces = st.one_of(
        st.text("ACGT", min_size=1, max_size=30),
        st.sampled_from(["N", "n", "NNNN", "R", "acgtn", "A", "N" * 25, "acg" * 20]),
    )
    names = draw(st.lists(st.sampled_from(["b", "a", "a10", "a2", "B"]), min_size=1, unique=True))
    contigs = {name: "".join(draw(st.lists(pieces, min_size=1, max_size=5))) for name in names}
    if not any(set(bases) & set("ACGTacgt") for bases in contigs.values()):
        contigs[names[0]] += "A"
    return contigs


def draw_intervals(draw, contigs) -> list[tuple[str, int, int]]:
    rows = []
    for _ in range(draw(st.integers(0, 4))):
        contig = draw(st.sampled_from(sorted(contigs)))
        start = draw(st.integers(0, len(contigs[contig]) - 1))
        rows.append((contig, start, draw(st.integers(start + 1, len(contigs[contig])))))
    return rows


def make_bed(rows) -> Bed:
    names = {row[0] for row in rows}
    merged_rows = {
        name: merge_intervals(np.array([row[1:] for row in rows if row[0] == name]))
        for name in names
    }
    return Bed("x.bed", "", merged_rows, 0)


def plan_genome(genome, measured, placement, *, batch=3, shards=4, **beds) -> Plan:
    geometry = place_windows(measured_geometry(**measured), **placement)
    return plan_by_hand(Scope(genome, **beds), geometry, batch=batch, shards=shards)


@settings(max_examples=250)
@given(genomes(), models(), st.integers(1, 5), st.integers(1, 6), st.data())
def test_every_bin_is_owned_once_and_cut_from_the_right_place(contigs, model, batch, shards, data):
    measured, placement = model
    blacklist = draw_intervals(data.draw, contigs)
    regions = draw_intervals(data.draw, contigs) if data.draw(st.booleans()) else None
    expected = expect_bins(contigs, measured, placement, regions=regions, blacklist=blacklist)
    with tempfile.TemporaryDirectory() as folder:
        fasta = write_fasta(Path(folder) / "g.fa", contigs, width=7)
        genome = scan_fasta(fasta, Path(folder) / "out.fa", name="g", patterns=["*"])
        beds = {"blacklist": make_bed(blacklist)}
        beds |= {} if regions is None else {"regions": make_bed(regions)}
        if not expected:
            with pytest.raises(UserError, match="nothing to predict"):
                plan_genome(genome, measured, placement, **beds)
            return
        plan = plan_genome(genome, measured, placement, batch=batch, shards=shards, **beds)
        check_windows(plan, expected)
        check_numbers(plan, expected, contigs)
        check_batches(plan, Bases(Path(folder) / "out.fa"), expected, contigs)
        plan.save(Path(folder) / "plan.json")
        Plan.load(Path(folder) / "plan.json").save(Path(folder) / "again.json")
        written = [(Path(folder) / name).read_bytes() for name in ("plan.json", "again.json")]
        assert written[0] == written[1]


def check_windows(plan: Plan, expected: dict) -> None:
    """Each bin has one owner, each window owns a bin, each window and bin is in one shard."""
    found, owners = [], []
    assert [shard.first for shard in plan.shards] == [0, *(s.last for s in plan.shards[:-1])]
    assert plan.shards[-1].last == plan.windows
    for shard in plan.shards:
        assert shard.first % plan.settings.batch_size == 0 and shard.first < shard.last
        mine = []
        for contig, first, last, shift in plan.placed_runs(shard.first, shard.last):
            for window in range(first, last):
                bins = plan.owned_bins(contig, window, window + 1)
                assert bins, "a window that owns no bin is not run"
                start = int(plan.geometry.starts(window, window + 1)[0])
                owner = (window, start + shift * plan.geometry.bin)
                mine += [((contig, k), owner) for begin, end in bins for k in range(begin, end)]
        runs = plan.shard_bins(shard)
        assert [(c, k) for c, begin, end in runs for k in range(begin, end)] == [b for b, _ in mine]
        assert all(a[0] != b[0] or a[2] < b[1] for a, b in zip(runs, runs[1:], strict=False))
        found += mine
        owners += dict.fromkeys((contig, window) for (contig, _), (window, _) in mine)
    assert found == list(expected.items())
    assert len(owners) == len(set(owners)) == plan.windows


def check_numbers(plan: Plan, expected: dict, contigs: dict) -> None:
    """The plan counts all bins, and those of windows that extend past their contig."""
    window = plan.geometry.window
    padded = [
        start < 0 or start + window > len(contigs[contig])
        for (contig, _), (_, start) in expected.items()
    ]
    assert (plan.bins, plan.padded_bins) == (len(expected), sum(padded))


def check_batches(plan: Plan, bases: Bases, expected: dict, contigs: dict) -> None:
    """Batches hold the windows' bases; outputs (here bin numbers) are cut to the owned bins."""
    geometry, cut = plan.geometry, []
    windows = list(dict.fromkeys((contig, *at) for (contig, _), at in expected.items()))
    for shard in plan.shards:
        for batch in read_batches(plan, bases, shard):
            encoded = encode_batch(plan, batch, device=CPU)
            mine = windows[batch.last - batch.windows : batch.last]
            outputs = torch.zeros(len(mine), 1, geometry.length)
            for i, (contig, number, start) in enumerate(mine):
                plain = one_hot(contigs[contig], start, geometry.window)
                assert torch.equal(encoded[i : i + 1], plain)
                first = number if geometry.length == 1 else (start + geometry.lead) // geometry.bin
                outputs[i, 0] = torch.arange(geometry.length) + first
            assert not encoded[len(mine) :].any()
            cut += cut_owned(plan, align_windows(plan, outputs, batch.runs), runs=batch.runs)[
                0
            ].tolist()
    assert cut == [k for _, k in expected]


BORDERS = {
    "void": "N" * 300,
    "base": "G",
    "stub": "ACGTA",  # shorter than the crop of 12 bp
    "short": "acgtt" * 9 + "RYNK",
    "edged": "N" * 9 + "ACGTTAGGC" * 40 + "N" * 7,
    "odd": "GATTACA" * 61 + "c",
}


@pytest.mark.parametrize("edges", ["pad", "slide"])
@pytest.mark.parametrize("trim", [0, 3, 8])
@pytest.mark.parametrize("with_beds", [False, True])
def test_values_at_every_border_are_those_of_single_windows(
    make_run, tmp_path, edges, trim, with_beds
):
    regions = [("odd", 0, 2), ("odd", 333, 428), ("edged", 0, 376), ("base", 0, 1)]
    blacklist = [("edged", 30, 61), ("odd", 424, 428)]
    paths, rows = {}, {"regions": regions, "blacklist": blacklist} if with_beds else {}
    for key, intervals in rows.items():
        paths[key] = tmp_path / f"{key}.bed"
        paths[key].write_text("".join(f"{c}\t{start}\t{end}\n" for c, start, end in intervals))
    settings = {key: str(path) for key, path in paths.items()}
    run = make_run(sequences=BORDERS, trim=trim, edges=edges, **settings)
    plan = run.plan()
    run.predict()
    measured = {"window": 96, "bin": 4, "crop": 3, "length": 18}
    placement = {"stride": None, "trim": trim, "edges": edges}
    expected = expect_bins(BORDERS, measured, placement, **rows)
    found, (model, _) = merged(run), load(run.weights)
    assert {(c, k) for c, bins in found.items() for k in bins} == set(expected)
    check_numbers(plan, expected, BORDERS)
    for (contig, k), (_, start) in expected.items():
        with torch.inference_mode():
            outputs = model(one_hot(BORDERS[contig], start, 96))[0].numpy()
        at = k - start // 4 - 3
        np.testing.assert_allclose(found[contig][k], outputs[:, at], rtol=1e-5, atol=1e-6)


def test_sliding_removes_all_padding_except_the_crops():
    genome = GenomeIndex("g", "g.fa", "", [Contig("c", 1000, [], "s")])  # 250 bins of 4 bp

    def count_padded(crop: int, trim: int, edges: str) -> int:
        measured = {"window": 96, "bin": 4, "crop": crop, "length": 24 - 2 * crop}
        placement = {"stride": None, "trim": trim, "edges": edges}
        return plan_genome(genome, measured, placement).padded_bins

    # 18 bins per window: those of the first window, and 16 of the last, which ends 5 bins too late.
    assert count_padded(0, 3, "pad") == 18 + 16 and count_padded(0, 3, "slide") == 0
    assert count_padded(3, 0, "pad") == 18 + 16 and count_padded(3, 0, "slide") == 18 + 16
    # 6 bins per window: two windows at each end are padded, and one of them can move far enough.
    assert count_padded(3, 6, "pad") == 6 + 6 + 6 + 4 and count_padded(3, 6, "slide") == 6 + 4


@pytest.mark.parametrize(
    "change",
    [{"edges": "slide"}, {"trim": 1}, {"trim": 2, "edges": "slide"}],
    ids=lambda change: " ".join(map(str, change.values())),
)
def test_window_placement_is_part_of_every_shards_digest(change):
    genome = GenomeIndex("g", "g.fa", "", [Contig("c", 1000, [], "s")])
    measured = {"window": 96, "bin": 4, "crop": 3, "length": 18}
    placement = {"stride": None, "trim": 0, "edges": "pad"}
    one, two = (plan_genome(genome, measured, at) for at in (placement, {**placement, **change}))
    assert not {shard.digest for shard in one.shards} & {shard.digest for shard in two.shards}
    assert plan_genome(genome, measured, placement).shards == one.shards


@pytest.mark.parametrize(
    ("batch", "shards", "ids"),
    [
        (65, 3, ["0"]),
        (32, 3, ["0", "1", "2"]),
        (33, 3, ["0", "1"]),
        (33, 11, ["00", "01"]),  # as wide as before, when there were empty shards
        (1, 64, [f"{i:02d}" for i in range(33)]),
    ],
)
def test_a_shard_without_windows_is_not_planned(batch, shards, ids):
    genome = GenomeIndex("g", "g.fa", "", [Contig("c", 65 * 72, [], "s")])
    measured = {"window": 96, "bin": 4, "crop": 3, "length": 18}
    placement = {"stride": None, "trim": 0, "edges": "pad"}
    plan = plan_genome(genome, measured, placement, batch=batch, shards=shards)
    assert plan.windows == 65
    assert [shard.id for shard in plan.shards] == ids
    assert {shard.id for shard in plan.shards} <= set(name_shards(shards))
    assert sum(shard.windows for shard in plan.shards) == 65


def test_ten_thousand_contigs_are_planned():
    contigs = [Contig(f"c{i}", 300 + i, [[i % 50, 60 + i % 200]], f"{i}") for i in range(10_000)]
    measured = {"window": 2048, "bin": None, "crop": 0, "length": 1}
    placement = {"stride": 64, "trim": 0, "edges": "pad"}
    plan = plan_genome(GenomeIndex("g", "g.fa", "", contigs), measured, placement, shards=1000)
    assert plan.shards[-1].last == plan.windows == plan.bins
    absent = sum(max((60 + i % 200) // 64 - -(-(i % 50) // 64), 0) for i in range(10_000))
    assert plan.bins == sum(-(-(300 + i) // 64) for i in range(10_000)) - absent
