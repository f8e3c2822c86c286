"""From the scale that Borzoi was trained on back to counts.

Its targets were squashed: values of some tracks to the power of 3/4 (or their square root), what
exceeds `clip_soft` replaced by its square root, and all multiplied by `scale` (Linder et al. 2025,
doi:10.1038/s41588-024-02053-6; baskerville, the authors' program, has both ways back, of which the
older suits the weights that they published).
"""

import torch
from torch import Tensor


class Untransform:
    """Undo the squashing of channels.

    Parameters
    ----------
    scale : dict
        `recipe`, and for each channel `scale`, `clip_soft` and `sqrt`.

        `untransform_old`: x / scale; above c = clip_soft, c + (x - c)^2; where `sqrt`, x^(4/3).
        `untransform`: above c, c - 1 + (x - c + 1)^2; where `sqrt`, (x + 1)^2 - 1; x / scale.
    device : torch.device
    """

    def __init__(self, scale: dict, *, device: torch.device) -> None:
        self._old = scale["recipe"] == "untransform_old"
        self._scale, self._clip, self._sqrt = (
            torch.tensor(scale[key], device=device)[:, None]
            for key in ("scale", "clip_soft", "sqrt")
        )

    def __call__(self, values: Tensor) -> Tensor:
        """Counts of squashed values (N, channels, bins)."""
        if self._old:
            values = self._unclip(values / self._scale, self._clip)
            return torch.where(self._sqrt, values.clamp(min=0) ** (4 / 3), values)
        values = self._unclip(values, self._clip - 1)
        values = torch.where(self._sqrt, (values + 1) ** 2 - 1, values)
        return values / self._scale

    def _unclip(self, values: Tensor, base: Tensor) -> Tensor:
        return torch.where(values > self._clip, base + (values - base) ** 2, values)
