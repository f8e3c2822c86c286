"""Blended borders and seams, compared with windows that are predicted one by one."""

import numpy as np
import pytest
import torch

from genometracks.errors import UserError
from genometracks.inputs.genome import Contig, GenomeIndex
from genometracks.plan.geometry import place_windows
from genometracks.plan.plan import Plan
from genometracks.plan.tile import Scope
from genometracks.predict import seams
from grelu_models.checkpoint import load
from toys import measured_geometry, merged, one_hot, plan_by_hand

# No crop and wide kernels: bins at a window's ends differ from those of its neighbours.
MODEL = {"crop_len": 0, "kernel_size": 15}
BIN, LENGTH = 4, 24


def predict_windows(run, contigs) -> dict:
    """{(contig, window): (first bin of its output, outputs (tracks, bins))} of a plan."""
    plan, (model, _) = Plan.load(run.work / "plan.json"), load(run.weights)
    found = {}
    for contig, first, last, shift in plan.placed_runs(0, plan.windows):
        starts = plan.geometry.starts(first, last) + shift * BIN
        for window, start in zip(range(first, last), starts.tolist(), strict=True):
            with torch.inference_mode():
                outputs = model(one_hot(contigs[contig], start, 96))[0].numpy()
            found[contig, window] = start // BIN, outputs
    return found


def expect_values(windows: dict, contig: str, k: int, *, trim: int, blend: int) -> np.ndarray:
    """The value of a bin, by definition."""
    owned = LENGTH - 2 * trim
    number, inside = divmod(k, owned)

    def value(window: int) -> np.ndarray:
        first, outputs = windows[contig, window]
        return outputs[:, k - first]

    # Bins right of a border count from 0 to blend - 1, those left of it from -1 down to -blend.
    for neighbour, place in ((number - 1, inside), (number + 1, inside - owned)):
        if (contig, neighbour) in windows and -blend <= place < blend:
            of_right = (place + blend + 0.5) / (2 * blend)
            mine = of_right if neighbour < number else 1 - of_right
            return mine * value(number) + (1 - mine) * value(neighbour)
    return value(number)


@pytest.mark.parametrize("edges", ["pad", "slide"])
@pytest.mark.parametrize(("trim", "blend"), [(3, 3), (4, 1), (7, 5), (4, 0)])
@pytest.mark.parametrize("with_regions", [False, True])
def test_borders_are_blended_as_defined(
    make_run, contigs, tmp_path, edges, trim, blend, with_regions
):
    settings = {"trim": trim, "blend": blend, "edges": edges}
    if with_regions:
        regions = tmp_path / "r.bed"
        regions.write_text("chr2\t100\t290\nchr2\t700\t701\nchr1\t0\t431\n")
        settings["regions"] = str(regions)
    run = make_run(model=MODEL, shards=3, **settings)
    run.plan()
    run.predict()
    windows, changed = predict_windows(run, contigs), 0
    for contig, bins in merged(run).items():
        for k, found in bins.items():
            expected = expect_values(windows, contig, k, trim=trim, blend=blend)
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
            first, outputs = windows[contig, k // (LENGTH - 2 * trim)]
            changed += bool(np.abs(outputs[:, k - first] - found).max() > 1e-5)
    assert (changed > 10) == (blend > 0)


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_any_number_of_shards_gives_the_same_bytes(make_run, batch_size):
    found = []
    for shards in (1, 3, 64):
        run = make_run(
            f"{shards}",
            model=MODEL,
            shards=shards,
            trim=4,
            blend=4,
            batch_size=batch_size,
            edges="slide",
        )
        plan = run.plan()
        run.predict()
        assert sum(shard.first < shard.last for shard in plan.shards) >= min(shards, 3)
        found.append(run.array().tobytes())
    assert found[0] and found.count(found[0]) == 3


def test_a_new_neighbour_makes_a_blended_shard_stale():
    def digests(length: int, blend: int) -> list[str]:
        genome = GenomeIndex("g", "g.fa", "", [Contig("a", 400, [[length, 400]], "s")])
        measured = measured_geometry(window=20, bin=1, crop=0, length=20)
        geometry = place_windows(measured, stride=None, trim=5, blend=blend)
        plan = plan_by_hand(Scope(genome), geometry, batch=1, shards=20)
        return [shard.digest for shard in plan.shards if shard.first < shard.last]

    for blend, kept in ((0, 3), (5, 2)):
        short, long = digests(30, blend), digests(40, blend)
        assert (len(short), len(long)) == (3, 4)
        assert [a == b for a, b in zip(short, long, strict=False)].count(True) == kept


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"trim": 2, "blend": 3}, "prediction.blend: .* 3 on each side need prediction.trim: 3 or"),
        ({"trim": 11, "blend": 2}, "prediction.blend: 2 bins at each end are more than the 2 that"),
    ],
)
def test_blends_that_do_not_suit_the_windows_are_refused(settings, message):
    measured = measured_geometry(window=96, bin=BIN, crop=0, length=LENGTH)
    with pytest.raises(UserError, match=message):
        place_windows(measured, stride=None, **settings)
    with pytest.raises(UserError, match="prediction.blend: only bins that both windows predict"):
        one = measured_geometry(window=96, bin=None, crop=0, length=1)
        place_windows(one, stride=8, trim=0, blend=1)


def collect(run) -> tuple[int, np.ndarray, np.ndarray]:
    """Number of bins compared in all shards, and means over them: difference, scale."""
    plan = Plan.load(run.work / "plan.json")
    noted = [
        run.notes(shard.id).get("borders") for shard in plan.shards if shard.first < shard.last
    ]
    noted = [note for note in noted if note]
    bins = sum(note["bins"] for note in noted)
    means = [
        sum(np.array(note[key]) * note["bins"] for note in noted) / bins
        for key in ("difference", "scale")
    ]
    return bins, *means


@pytest.mark.parametrize("edges", ["pad", "slide"])
@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize(("blend", "reach"), [(0, 1), (1, 1), (3, 3)])
def test_seams_are_the_mean_difference_of_neighbours_at_their_border(
    make_run, contigs, edges, batch_size, blend, reach
):
    trim = 4
    owned = LENGTH - 2 * trim
    run = make_run(
        model=MODEL, shards=1, trim=trim, blend=blend, batch_size=batch_size, edges=edges
    )
    plan = run.plan()
    run.predict()
    windows = predict_windows(run, contigs)
    differences, scales, moved = [], [], 0
    for (contig, number), (first, outputs) in windows.items():
        if (contig, number + 1) in windows:
            next_first, next_outputs = windows[contig, number + 1]
            border = (number + 1) * owned
            starts = border - reach - first, border - reach - next_first
            if min(starts) < 0 or max(starts) + 2 * reach > LENGTH:
                continue  # a window that was moved so far does not predict both sides
            left, right = (
                values[:, start : start + 2 * reach]
                for values, start in zip((outputs, next_outputs), starts, strict=True)
            )
            moved += next_first - first != owned
            differences.append(np.abs(left - right))
            scales.append((np.abs(left) + np.abs(right)) / 2)
    bins, difference, scale = collect(run)
    assert plan.windows > 20 and bins == 2 * reach * len(differences)
    assert (moved > 0) == (edges == "slide")
    np.testing.assert_allclose(difference, np.concatenate(differences, 1).mean(1), rtol=1e-4)
    np.testing.assert_allclose(scale, np.concatenate(scales, 1).mean(1), rtol=1e-4)


def test_seams_of_a_large_genome_are_a_sample(make_run, monkeypatch):
    monkeypatch.setattr(seams, "BATCHES", 5)
    run = make_run(model=MODEL, shards=1, trim=4, batch_size=4)
    plan = run.plan()
    run.predict()
    batches = -(-plan.windows // 4)
    sampled = range(0, batches, -(-batches // 5))
    assert batches > 5 and len(sampled) <= 5
    pairs = sum(
        plan.adjoins(number)
        for batch in sampled
        for number in range(4 * batch, min(4 * batch + 4, plan.windows))
    )
    assert collect(run)[0] == 2 * pairs > 0


@pytest.mark.parametrize("edges", ["pad", "slide"])
def test_windows_without_common_bins_have_no_seams(make_run, edges):
    run = make_run(model=MODEL, shards=1, edges=edges)
    run.plan()
    run.predict()
    assert "borders" not in run.notes()


def test_bins_that_no_window_keeps_are_not_compared(make_run, contigs):
    """Windows that agree in all kept bins, and differ only where they are cut."""
    run = make_run(model={"crop_len": 0, "kernel_size": 3}, shards=1, trim=9)
    run.plan()
    run.predict()
    windows = predict_windows(run, contigs)
    (first, left), (second, right) = windows["chr2", 3], windows["chr2", 4]
    both = np.abs(left[:, second - first :] - right[:, : first + LENGTH - second])
    assert both.max() > 1e-3
    _, difference, scale = collect(run)
    assert (difference / scale < 1e-5).all()
