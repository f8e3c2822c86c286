"""Averages at borders of windows, regions and contigs: blended, moved inwards, next to N."""

import numpy as np
import pytest
import torch

from genometracks.plan.plan import Plan
from grelu_models.checkpoint import load
from toys import STRANDED, Run, merged, one_hot, write_fasta, write_fold

BIN, CROP, LENGTH, WINDOW = 4, 3, 18, 96  # of the toy model
PARTNERS = [1, 0, 2]  # of STRANDED


def predict_bin(models, bases: str, *, first: int, k: int, shifts) -> np.ndarray:
    """Mean of all contributions to bin k of the window whose unshifted output starts at `first`."""
    parts = []
    for shift in shifts:
        read = one_hot(bases, (first - CROP) * BIN + shift, WINDOW)
        place = k - first - int(shift / BIN)
        with torch.inference_mode():
            for model in models:
                parts.append(model(read)[0, :, place])
                parts.append(model(read.flip(1, 2))[0, PARTNERS, LENGTH - 1 - place])
    return torch.stack(parts).mean(0).numpy()


@pytest.mark.parametrize("edges", ["pad", "slide"])
@pytest.mark.parametrize(
    ("shifts", "trim", "blend"),
    [([0, 9, -6], 3, 2), ([-13, 2], 4, 1), ([5], 2, 0), ([0], 5, 4)],
)
def test_strands_shifts_and_folds_blend_like_single_windows(
    tmp_path, contigs, edges, shifts, trim, blend
):
    folds = [write_fold(tmp_path, seed=i, tracks=STRANDED) for i in (1, 2)]
    regions = tmp_path / "r.bed"
    regions.write_text("chr2\t100\t290\nchr2\t700\t701\nchr1\t0\t431\n")
    run = Run(
        tmp_path / "run",
        folds,
        write_fasta(tmp_path / "g.fa", contigs),
        **{"shifts": shifts, "trim": trim, "blend": blend, "edges": edges},
        **{"regions": str(regions), "reverse_complement": True, "batch_size": 3, "shards": 3},
    )
    run.plan()
    run.predict()
    plan, models = Plan.load(run.work / "plan.json"), [load(fold)[0] for fold in folds]
    halo = max(abs(shift) // BIN for shift in shifts)
    owned = LENGTH - 2 * halo - 2 * trim
    moved = {
        (contig, w): shift
        for contig, first, last, shift in plan.placed_runs(0, plan.windows)
        for w in range(first, last)
    }
    assert any(moved.values()) == (edges == "slide" and trim > blend)
    count = 0
    for contig, bins in merged(run).items():

        def value(w: int, k: int, contig: str = contig) -> np.ndarray:
            first = w * owned - trim - halo + moved[contig, w]
            return predict_bin(models, contigs[contig], first=first, k=k, shifts=shifts)

        for k, found in bins.items():
            w, inside = divmod(k, owned)
            expected = value(w, k)
            for beside, place in ((w - 1, inside), (w + 1, inside - owned)):
                if (contig, beside) in moved and -blend <= place < blend:
                    of_right = (place + blend + 0.5) / (2 * blend)
                    mine = of_right if beside < w else 1 - of_right
                    expected = mine * expected + (1 - mine) * value(beside, k)
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
            count += 1
    assert count > 100
