"""Models of convolutions, with or without a recurrent or attention layer, and simple heads."""

from torch import nn

from grelu_models.heads import ConvHead, MLPHead
from grelu_models.models.base import BaseModel
from grelu_models.trunks import ConvGRUTrunk, ConvTransformerTrunk, ConvTrunk, DilatedConvTrunk

__all__ = [
    "ConvGRUModel",
    "ConvMLPModel",
    "ConvModel",
    "ConvTransformerModel",
    "DilatedConvModel",
]


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


class ConvGRUModel(BaseModel):
    """Convolutions, bidirectional recurrent units and a 1x1 head.

    Parameters
    ----------
    n_tasks : int
        Output tracks.
    final_pool_func : str or None
        avg or max: one value a window. None: one value a bin.
    stem_channels, stem_kernel_size, n_conv, channel_init, channel_mult, kernel_size, act_func, \
conv_norm, pool_func, pool_size, residual, crop_len, n_gru, dropout, gru_norm
        See `ConvGRUTrunk`.
    """

    def __init__(
        self,
        n_tasks: int,
        stem_channels: int = 16,
        stem_kernel_size: int = 15,
        n_conv: int = 2,
        channel_init: int = 16,
        channel_mult: float = 1,
        kernel_size: int = 5,
        act_func: str = "relu",
        conv_norm: bool = False,
        pool_func: str | None = None,
        pool_size: int | None = None,
        residual: bool = False,
        crop_len: int | str = 0,
        n_gru: int = 1,
        dropout: float = 0.0,
        gru_norm: bool = False,
        final_pool_func: str | None = "avg",
        dtype=None,
        device=None,
    ) -> None:
        trunk = ConvGRUTrunk(
            stem_channels=stem_channels,
            stem_kernel_size=stem_kernel_size,
            n_conv=n_conv,
            channel_init=channel_init,
            channel_mult=channel_mult,
            kernel_size=kernel_size,
            act_func=act_func,
            conv_norm=conv_norm,
            pool_func=pool_func,
            pool_size=pool_size,
            residual=residual,
            crop_len=crop_len,
            n_gru=n_gru,
            dropout=dropout,
            gru_norm=gru_norm,
            dtype=dtype,
            device=device,
        )
        super().__init__(trunk, _conv_head(n_tasks, trunk, final_pool_func, dtype, device))


class ConvTransformerModel(BaseModel):
    """Convolutions, transformers with relative positions, and a 1x1 head.

    Parameters
    ----------
    n_tasks : int
        Output tracks.
    final_pool_func : str or None
        avg or max: one value a window. None: one value a bin.
    stem_channels, stem_kernel_size, n_conv, channel_init, channel_mult, kernel_size, act_func, \
norm, pool_func, pool_size, residual, crop_len, n_transformers, key_len, value_len, n_heads, \
n_pos_features, pos_dropout, attn_dropout, ff_dropout
        See `ConvTransformerTrunk`.
    """

    def __init__(
        self,
        n_tasks: int,
        stem_channels: int = 16,
        stem_kernel_size: int = 15,
        n_conv: int = 2,
        channel_init: int = 16,
        channel_mult: float = 1,
        kernel_size: int = 5,
        act_func: str = "relu",
        norm: bool = False,
        pool_func: str | None = None,
        pool_size: int | None = None,
        residual: bool = False,
        crop_len: int | str = 0,
        n_transformers: int = 1,
        key_len: int = 8,
        value_len: int = 8,
        n_heads: int = 1,
        n_pos_features: int = 4,
        pos_dropout: float = 0.0,
        attn_dropout: float = 0.0,
        ff_dropout: float = 0.0,
        final_pool_func: str | None = "avg",
        dtype=None,
        device=None,
    ) -> None:
        trunk = ConvTransformerTrunk(
            stem_channels=stem_channels,
            stem_kernel_size=stem_kernel_size,
            n_conv=n_conv,
            channel_init=channel_init,
            channel_mult=channel_mult,
            kernel_size=kernel_size,
            act_func=act_func,
            norm=norm,
            pool_func=pool_func,
            pool_size=pool_size,
            residual=residual,
            crop_len=crop_len,
            n_transformers=n_transformers,
            key_len=key_len,
            value_len=value_len,
            n_heads=n_heads,
            n_pos_features=n_pos_features,
            pos_dropout=pos_dropout,
            attn_dropout=attn_dropout,
            ff_dropout=ff_dropout,
            dtype=dtype,
            device=device,
        )
        super().__init__(trunk, _conv_head(n_tasks, trunk, final_pool_func, dtype, device))


class ConvMLPModel(BaseModel):
    """Convolutions and a dense head over all positions: one value a window of fixed length.

    Parameters
    ----------
    seq_len : int
        Base pairs of a window.
    n_tasks : int
        Output tracks.
    stem_channels, stem_kernel_size, n_conv, channel_init, channel_mult, kernel_size, act_func, \
pool_func, pool_size, residual
        See `ConvTrunk`.
    conv_norm : bool
        Batch norm in the convolutions.
    mlp_norm, mlp_act_func, mlp_hidden_size, dropout
        See `MLPHead`.
    """

    def __init__(
        self,
        seq_len: int,
        n_tasks: int,
        stem_channels: int = 16,
        stem_kernel_size: int = 15,
        n_conv: int = 2,
        channel_init: int = 16,
        channel_mult: float = 1,
        kernel_size: int = 5,
        act_func: str = "relu",
        conv_norm: bool = False,
        pool_func: str | None = None,
        pool_size: int | None = None,
        residual: bool = True,
        mlp_norm: bool = False,
        mlp_act_func: str | None = "relu",
        mlp_hidden_size: list[int] | tuple[int, ...] = (8,),
        dropout: float = 0.0,
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
            act_func=act_func,
            norm=conv_norm,
            pool_func=pool_func,
            pool_size=pool_size,
            residual=residual,
            dtype=dtype,
            device=device,
        )
        head = MLPHead(
            n_tasks,
            in_channels=trunk.conv_tower.out_channels,
            in_len=seq_len // trunk.conv_tower.pool_factor,
            act_func=mlp_act_func,
            hidden_size=mlp_hidden_size,
            norm=mlp_norm,
            dropout=dropout,
            dtype=dtype,
            device=device,
        )
        super().__init__(trunk, head)


def _conv_head(n_tasks: int, trunk: nn.Module, pool_func: str | None, dtype, device) -> ConvHead:
    return ConvHead(
        n_tasks, trunk.conv_tower.out_channels, pool_func=pool_func, dtype=dtype, device=device
    )
