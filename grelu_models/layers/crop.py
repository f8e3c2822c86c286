"""Cropping of positions that depend on the padding of convolutions."""

from torch import Tensor

from grelu_models.errors import ModelError
from grelu_models.layers.types import CropLength, Layer

__all__ = ["Crop"]


class Crop(Layer):
    """Drop positions at both ends: (N, C, L) -> (N, C, L - 2 * crop_len).

    Parameters
    ----------
    crop_len : int or "auto"
        Positions (not base pairs) to drop at each end. "auto" is `receptive_field // 2`. Default
        is 0.
    receptive_field : int, optional
        The receptive field as gReLU counts it, needed for "auto". Default is None.

    Raises
    ------
    ModelError
        If `crop_len` is invalid; in `forward`, if no position would be left.
    """

    def __init__(self, crop_len: CropLength = 0, receptive_field: int | None = None) -> None:
        super().__init__()
        if crop_len == "auto":
            if receptive_field is None:
                raise ModelError("crop_len 'auto' needs a receptive field")
            crop_len = receptive_field // 2
        if not isinstance(crop_len, int) or crop_len < 0:
            raise ModelError(f"crop_len must be 'auto' or a number of positions, not {crop_len!r}")
        self.crop_len = crop_len

    def forward(self, x: Tensor) -> Tensor:
        length = x.shape[-1]
        if length <= 2 * self.crop_len:
            raise ModelError(
                f"cropping {self.crop_len} positions at each end leaves nothing of {length}: "
                "use a longer window or a smaller crop_len"
            )
        return x[..., self.crop_len : length - self.crop_len]
