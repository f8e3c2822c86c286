"""Inversion of Borzoi's squashing: from the scale that it was trained on back to counts.

Its targets were squashed: the values of some tracks were raised to the power of 3/4 (or their
square root was taken), the part above `clip_soft` was replaced by its square root, and all were
multiplied by `scale` (Linder et al. 2025, doi:10.1038/s41588-024-02053-6). The authors' program,
baskerville, has two inverses; the older one suits the weights that they published.
"""

import torch
from torch import Tensor

from genometracks.tracks.recipe import Squash


class Untransform:
    """Undo the squashing of channels.

    Parameters
    ----------
    scale : Squash
        With `untransform_old`: x / scale; above c = clip_soft, c + (x - c)^2; where `sqrt`,
        x^(4/3). With `untransform`: above c, c - 1 + (x - c + 1)^2; where `sqrt`, (x + 1)^2 - 1;
        then x / scale.
    device : torch.device
    """

    def __init__(self, scale: Squash, *, device: torch.device) -> None:
        self._old = scale.recipe == "untransform_old"
        self._scale, self._clip, self._sqrt = (
            torch.tensor(values, device=device)[:, None]
            for values in (scale.scale, scale.clip_soft, scale.sqrt)
        )

    def __call__(self, values: Tensor) -> Tensor:
        """Squashed values (N, channels, bins) -> counts of the same shape."""
        if self._old:
            values = self._unclip(values / self._scale, self._clip)
            return torch.where(self._sqrt, values.clamp(min=0) ** (4 / 3), values)
        values = self._unclip(values, self._clip - 1)
        values = torch.where(self._sqrt, (values + 1) ** 2 - 1, values)
        return values / self._scale

    def _unclip(self, values: Tensor, base: Tensor) -> Tensor:
        return torch.where(values > self._clip, base + (values - base) ** 2, values)
