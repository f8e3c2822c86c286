"""Squashed values back to counts: inverse of the forward transforms; formulas by hand."""

import numpy as np
import pytest
import torch

from genometracks.predict.untransform import Untransform
from genometracks.tracks.recipe import Squash

SCALE, CLIP, SQRT = [0.3, 1.0, 0.01, 0.02], [384.0, 32.0, 384.0, 48.0], [True, True, False, False]
CPU = torch.device("cpu")


def squash_old(counts: np.ndarray, *, scale: float, clip: float, sqrt: bool) -> np.ndarray:
    """The transform that untransform_old inverts: power, clip, scale."""
    values = counts**0.75 if sqrt else counts
    values = np.where(values > clip, clip + np.sqrt(np.maximum(values - clip, 0)), values)
    return values * scale


def squash_new(counts: np.ndarray, *, scale: float, clip: float, sqrt: bool) -> np.ndarray:
    """The transform that untransform inverts: scale, square root, clip."""
    values = counts * scale
    values = -1 + np.sqrt(1 + values) if sqrt else values
    above = clip - 1 + np.sqrt(np.maximum(values - clip + 1, 0))
    return np.where(values > clip, above, values)


@pytest.mark.parametrize(
    ("recipe", "squash"), [("untransform_old", squash_old), ("untransform", squash_new)]
)
def test_counts_are_recovered_from_the_forward_transform(recipe, squash):
    counts = np.concatenate([[0.0], np.geomspace(1e-3, 3e6, 400)])
    squashed = np.stack(
        [
            squash(counts, scale=scale, clip=clip, sqrt=sqrt)
            for scale, clip, sqrt in zip(SCALE, CLIP, SQRT, strict=True)
        ]
    )
    undo = Untransform(Squash(recipe, "after", SCALE, CLIP, SQRT), device=CPU)
    found = undo(torch.from_numpy(squashed)[None])[0].numpy()
    np.testing.assert_allclose(found, np.stack([counts] * 4), rtol=1e-4, atol=1e-6)
    single = undo(torch.from_numpy(squashed).float()[None])[0].numpy()
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, np.stack([counts] * 4), rtol=1e-2, atol=1e-5)


def test_the_formulas_equal_values_computed_by_hand():
    fields = {"scale": [0.5, 0.5], "clip_soft": [10.0, 10.0], "sqrt": [True, False]}
    values = torch.tensor([[[4.0, 8.0], [4.0, 8.0]]])
    # 4 / 0.5 = 8; 8 / 0.5 = 16 is 6 above the clip: 10 + 36.
    old = Untransform(Squash("untransform_old", "after", **fields), device=CPU)(values)[0]
    torch.testing.assert_close(
        old, torch.tensor([[8.0 ** (4 / 3), 46.0 ** (4 / 3)], [8.0, 46.0]]), rtol=1e-6, atol=0
    )
    # 12 is above the clip: 9 + (12 - 9)^2 = 18. Then (4 + 1)^2 - 1 and (18 + 1)^2 - 1.
    values = torch.tensor([[[4.0, 12.0], [4.0, 12.0]]])
    new = Untransform(Squash("untransform", "after", **fields), device=CPU)(values)[0]
    expected = torch.tensor([[24.0, 19.0**2 - 1], [4.0, 18.0]]) / 0.5
    torch.testing.assert_close(new, expected, rtol=1e-6, atol=0)


def test_negative_values_of_a_model_stay_finite():
    fields = {"scale": [1.0], "clip_soft": [10.0], "sqrt": [True]}
    undo = Untransform(Squash("untransform_old", "after", **fields), device=CPU)
    assert undo(torch.tensor([[[-0.5]]])).item() == 0
