"""Averages over strands, shifts and folds, compared with plain NumPy window by window."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genometracks.predict.average import Average
from genometracks.tracks.formulas import Formula
from genometracks.tracks.recipe import Recipe, Squash

CPU = torch.device("cpu")
BIN, CROP, BINS, CHANNELS = 4, 1, 12, 4
WINDOW = BIN * (BINS + 2 * CROP)
ACTIVATIONS = {
    None: lambda x: x,
    "exp": np.exp,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.log1p(np.exp(x)),
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True),
}


def predict(windows: np.ndarray, fold: int) -> np.ndarray:
    """Logits (N, channels, bins) of a model that depends on the order and strand of the bases."""
    weights = np.random.default_rng(fold).normal(size=(CHANNELS, 4, BIN))
    bins = windows.reshape(len(windows), 4, -1, BIN)[:, :, CROP:-CROP]
    return np.einsum("nblp,cbp->ncl", bins, weights)


def average_plainly(windows: np.ndarray, recipe: Recipe, *, activation: str | None, folds: int):
    """The result of `Average`, by plain loops."""
    low, halo = min(recipe.shifts), max(abs(shift) // BIN for shift in recipe.shifts)
    activate, late = ACTIVATIONS[activation], recipe.order == "logits"
    per_fold = []
    for fold in range(folds):
        parts = []
        for shift in recipe.shifts:
            read = windows[:, :, shift - low : shift - low + WINDOW]
            strands = [predict(read, fold)]
            if recipe.partners:
                other = predict(read[:, ::-1, ::-1], fold)
                strands.append(
                    np.stack([other[:, partner, ::-1] for partner in recipe.partners], axis=1)
                )
            for values in strands:
                values = values if late else activate(values)
                kept = np.empty((len(values), CHANNELS, BINS - 2 * halo))
                for bin in range(halo, BINS - halo):  # of the unshifted window
                    whole = shift // BIN if shift >= 0 else -(-shift // BIN)
                    kept[:, :, bin - halo] = values[:, :, bin - whole]
                parts.append(kept)
        per_fold.append(np.mean(parts, axis=0))
    finish = activate if late else lambda x: x
    mean = finish(np.mean(per_fold, axis=0))
    written = [combine(mean, output) for output in recipe.outputs]
    if recipe.sd:
        each = [[combine(finish(one), output) for output in recipe.outputs] for one in per_fold]
        written += list(np.std(each, axis=0, ddof=1))
    return np.stack(written, axis=1)


def combine(values: np.ndarray, output: Formula) -> np.ndarray:
    one = values[:, list(output.members)]
    if output.of in ("mean", "sum"):
        return getattr(one, output.of)(axis=1)
    other = values[:, list(output.control)].mean(1)
    if output.of == "difference":
        return one.mean(1) - other
    ratio = (one.mean(1) + output.pseudocount) / (other + output.pseudocount)
    return np.log2(ratio) if output.of == "log2_ratio" else ratio


def run(recipe: Recipe, *, activation: str | None, folds: int, seed: int = 0):
    """Return the average, the expected average, and the number of windows in each forward pass."""
    span = max(recipe.shifts) - min(recipe.shifts)
    random = np.random.default_rng(seed)
    windows = np.eye(4)[random.integers(4, size=(3, WINDOW + span))].transpose(0, 2, 1)
    sizes = []

    def logits(part: torch.Tensor, fold: int) -> torch.Tensor:
        sizes.append(len(part))
        assert part.shape[-1] == WINDOW
        return torch.from_numpy(predict(part.numpy(), fold))

    average = Average(
        recipe, activation=activation, folds=folds, window=WINDOW, bin=BIN, device=CPU
    )
    found = average(torch.from_numpy(windows), logits).numpy()
    assert found.dtype == np.float32
    return found, average_plainly(windows, recipe, activation=activation, folds=folds), sizes


def make_recipe(**changes) -> Recipe:
    plain = {
        "channels": list(range(CHANNELS)),
        "partners": None,
        "shifts": (0,),
        "order": "activation",
        "outputs": tuple(Formula("mean", (i,)) for i in range(CHANNELS)),
        "sd": False,
        "scale": None,
    }
    return Recipe(**{**plain, **changes})


SHIFTS = st.lists(st.integers(-19, 19), min_size=1, max_size=4, unique=True).map(tuple)
MEMBERS = st.lists(st.integers(0, CHANNELS - 1), min_size=1, max_size=3, unique=True).map(tuple)
OUTPUTS = st.one_of(
    st.builds(Formula, st.sampled_from(["mean", "sum"]), MEMBERS),
    st.builds(
        Formula,
        st.sampled_from(["difference", "ratio", "log2_ratio"]),
        MEMBERS,
        MEMBERS,
        st.just(20.0),
    ),
)


@given(
    shifts=SHIFTS,
    partners=st.one_of(st.none(), st.permutations(range(CHANNELS))),
    order=st.sampled_from(["activation", "logits"]),
    activation=st.sampled_from(list(ACTIVATIONS)),
    outputs=st.lists(OUTPUTS, min_size=1, max_size=4),
    folds=st.integers(1, 3),
    sd=st.booleans(),
    seed=st.integers(0, 9),
)
def test_any_average_equals_plain_numpy(seed, sd, folds, activation, **recipe):
    recipe = make_recipe(**recipe, sd=sd and folds > 1)
    found, expected, sizes = run(recipe, activation=activation, folds=folds, seed=seed)
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)
    # A pass holds both strands of half of the windows: it is as large as a pass of one strand.
    passes = [4, 2] if recipe.partners else [3]
    assert sizes == passes * folds * len(recipe.shifts)


def test_reverse_complements_are_averaged_as_in_baskerville():
    """Reverse the positions, gather the partners and take the mean, on arrays (N, L, T)."""
    pair = [1, 0, 2, 3]
    found, _, _ = run(make_recipe(partners=pair), activation=None, folds=1)
    windows = np.eye(4)[np.random.default_rng(0).integers(4, size=(3, WINDOW))]  # (N, L, 4)
    forward = predict(windows.transpose(0, 2, 1), 0).transpose(0, 2, 1)
    complement = windows[:, ::-1, [3, 2, 1, 0]]
    reverse = predict(complement.transpose(0, 2, 1), 0).transpose(0, 2, 1)
    expected = (forward + np.take(reverse[:, ::-1, :], pair, axis=-1)) / 2
    np.testing.assert_allclose(found, expected.transpose(0, 2, 1), rtol=1e-5, atol=1e-5)
    unswapped = (forward + reverse[:, ::-1, :]) / 2
    assert np.abs(found.transpose(0, 2, 1) - unswapped)[..., :2].max() > 1
    np.testing.assert_allclose(
        found.transpose(0, 2, 1)[..., 2:], unswapped[..., 2:], rtol=1e-5, atol=1e-5
    )


def test_activation_and_average_are_in_the_configured_order():
    early, late = (
        run(make_recipe(order=order), activation="exp", folds=2)[0]
        for order in ("activation", "logits")
    )
    assert (early >= late - 1e-6).all() and (early > 1.01 * late).any()  # Jensen's inequality


def test_whole_bins_of_a_shift_are_undone():
    """Windows shifted by whole bins give equal values, so the average is the unshifted window's."""
    found, _, _ = run(make_recipe(shifts=(0, 4, -8)), activation="exp", folds=1)
    windows = np.eye(4)[np.random.default_rng(0).integers(4, size=(3, WINDOW + 12))]
    plain = np.exp(predict(windows.transpose(0, 2, 1)[:, :, 8 : 8 + WINDOW], 0))
    np.testing.assert_allclose(found, plain[:, :, 2:-2], rtol=1e-5)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("recipe", ["untransform_old", "untransform"])
def test_squashing_is_undone_before_or_after_the_average(when, recipe):
    scale = {"scale": [0.5] * 4, "clip_soft": [1.5] * 4, "sqrt": [True, False] * 2}
    squashed = make_recipe(scale=Squash(recipe, when, **scale))
    found, _, _ = run(squashed, activation="exp", folds=2)
    windows = np.eye(4)[np.random.default_rng(0).integers(4, size=(3, WINDOW))]
    folds = np.stack([np.exp(predict(windows.transpose(0, 2, 1), fold)) for fold in range(2)])

    def undo(x):
        if recipe == "untransform_old":
            x = x / 0.5
            x = np.where(x > 1.5, 1.5 + (x - 1.5) ** 2, x)
            return np.where(np.array(scale["sqrt"])[:, None], x ** (4 / 3), x)
        x = np.where(x > 1.5, 0.5 + (x - 0.5) ** 2, x)
        return np.where(np.array(scale["sqrt"])[:, None], (x + 1) ** 2 - 1, x) / 0.5

    expected = undo(folds).mean(0) if when == "before" else undo(folds.mean(0))
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    other = undo(folds.mean(0)) if when == "before" else undo(folds).mean(0)
    assert np.abs(expected / other - 1).max() > 0.01
