"""Models: a trunk (`embedding`) and a head; one-hot bases (N, 4, L) -> logits (N, tasks, bins).

`ARCHITECTURES` maps a checkpoint's `model_type` to its class.
"""

from torch import Tensor, nn

from grelu_models.heads import ConvHead
from grelu_models.trunks import ConvTrunk, DilatedConvTrunk

__all__ = ["ARCHITECTURES", "BaseModel", "ConvModel", "DilatedConvModel"]


class BaseModel(nn.Module):
    """Any trunk with any head.

    Parameters
    ----------
    embedding : nn.Module
        (N, 4, L) -> (N, C, positions).
    head : nn.Module
        (N, C, positions) -> (N, tasks, bins).
    """

    def __init__(self, embedding: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.embedding = embedding
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.embedding(x))


class ConvModel(BaseModel):
    """Convolutions with optional pooling, dilation and residuals, and a 1x1 head.

    Parameters
    ----------
    n_tasks : int
        Output tracks.
    n_conv : int
        Convolutions including the stem; each after the stem pools if `pool_func` is set.
    final_pool_func : str or None
        avg or max: one value a window. None: one value a bin.
    stem_channels, stem_kernel_size, channel_init, channel_mult, kernel_size, dilation_init, \
dilation_mult, act_func, norm, pool_func, pool_size, residual, dropout, crop_len
        See `ConvTrunk`.
    """

    def __init__(
        self,
        n_tasks: int,
        stem_channels: int = 64,
        stem_kernel_size: int = 15,
        n_conv: int = 2,
        channel_init: int = 64,
        channel_mult: float = 1,
        kernel_size: int = 5,
        dilation_init: int = 1,
        dilation_mult: float = 1,
        act_func: str = "relu",
        norm: bool = False,
        pool_func: str | None = None,
        pool_size: int | None = None,
        residual: bool = False,
        dropout: float = 0.0,
        crop_len: int | str = 0,
        final_pool_func: str | None = "avg",
        dtype=None,
        device=None,
    ) -> None:
        trunk = ConvTrunk(
            stem_channels=stem_channels,
            stem_kernel_size=stem_kernel_size,
            n_conv=n_conv,
            channel_init=channel_init,
            channel_mult=channel_mult,
            kernel_size=kernel_size,
            dilation_init=dilation_init,
            dilation_mult=dilation_mult,
            act_func=act_func,
            norm=norm,
            pool_func=pool_func,
            pool_size=pool_size,
            residual=residual,
            dropout=dropout,
            crop_len=crop_len,
            dtype=dtype,
            device=device,
        )
        super().__init__(trunk, _conv_head(n_tasks, trunk, final_pool_func, dtype, device))


class DilatedConvModel(BaseModel):
    """Residual convolutions of growing dilation (BPNet's shape) and a 1x1 head.

    Parameters
    ----------
    n_tasks : int
        Output tracks.
    final_pool_func : str or None
        avg or max: one value a window. None: one value a base pair.
    channels, stem_kernel_size, kernel_size, dilation_mult, act_func, n_conv, crop_len
        See `DilatedConvTrunk`.
    """

    def __init__(
        self,
        n_tasks: int,
        channels: int = 64,
        stem_kernel_size: int = 21,
        kernel_size: int = 3,
        dilation_mult: float = 2,
        act_func: str = "relu",
        n_conv: int = 8,
        crop_len: int | str = "auto",
        final_pool_func: str | None = "avg",
        dtype=None,
        device=None,
    ) -> None:
        trunk = DilatedConvTrunk(
            channels=channels,
            stem_kernel_size=stem_kernel_size,
            kernel_size=kernel_size,
            dilation_mult=dilation_mult,
            act_func=act_func,
            n_conv=n_conv,
            crop_len=crop_len,
            dtype=dtype,
            device=device,
        )
        super().__init__(trunk, _conv_head(n_tasks, trunk, final_pool_func, dtype, device))


def _conv_head(n_tasks: int, trunk: nn.Module, pool_func: str | None, dtype, device) -> ConvHead:
    return ConvHead(
        n_tasks, trunk.conv_tower.out_channels, pool_func=pool_func, dtype=dtype, device=device
    )


ARCHITECTURES: dict[str, type[BaseModel]] = {
    "ConvModel": ConvModel,
    "DilatedConvModel": DilatedConvModel,
}
