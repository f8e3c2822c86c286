"""Trunks of convolutions, with or without a recurrent or attention layer on top."""

from torch import Tensor, nn

from grelu_models.blocks import ConvTower, GRUBlock, TransformerTower

__all__ = ["ConvGRUTrunk", "ConvTransformerTrunk", "ConvTrunk", "DilatedConvTrunk"]


class ConvTrunk(nn.Module):
    """A convolutional tower with optional pooling, dilation and residual connections.

    Parameters
    ----------
    n_conv : int
        Convolutions **including the stem**.
    stem_channels, stem_kernel_size, channel_init, channel_mult, kernel_size, dilation_init, \
dilation_mult, act_func, norm, pool_func, pool_size, residual, dropout, crop_len
        As for `ConvTower`.
    """

    def __init__(
        self,
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
        **kwargs,
    ) -> None:
        super().__init__()
        self.conv_tower = ConvTower(
            stem_channels=stem_channels,
            stem_kernel_size=stem_kernel_size,
            n_blocks=n_conv,
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
            **kwargs,
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_tower(x)


class DilatedConvTrunk(nn.Module):
    """Residual convolutions of growing dilation, without pooling or norm.

    The shape of BPNet (Avsec et al. 2021, 10.1038/s41588-021-00782-6) and ChromBPNet. The first
    dilation is 2.

    Parameters
    ----------
    channels : int
        Channels of every convolution.
    stem_kernel_size, kernel_size : int
        Of the stem and of the dilated convolutions.
    dilation_mult : float
        Growth of the dilation.
    n_conv : int
        Convolutions **including the stem**.
    crop_len : int or "auto"
        Positions dropped at each end; "auto" drops all that the padding could touch.
    """

    def __init__(
        self,
        channels: int = 64,
        stem_kernel_size: int = 21,
        kernel_size: int = 3,
        dilation_mult: float = 2,
        act_func: str = "relu",
        n_conv: int = 8,
        crop_len: int | str = "auto",
        **kwargs,
    ) -> None:
        super().__init__()
        self.conv_tower = ConvTower(
            stem_channels=channels,
            stem_kernel_size=stem_kernel_size,
            n_blocks=n_conv,
            channel_init=channels,
            kernel_size=kernel_size,
            dilation_init=2,
            dilation_mult=dilation_mult,
            act_func=act_func,
            residual=True,
            crop_len=crop_len,
            **kwargs,
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_tower(x)


class ConvGRUTrunk(nn.Module):
    """A convolutional tower, then recurrent units: (N, 4, L) -> (N, C, positions).

    Parameters
    ----------
    n_conv : int
        Convolutions **including the stem**.
    stem_channels, stem_kernel_size, channel_init, channel_mult, kernel_size, act_func, pool_func, \
pool_size, residual, crop_len
        As for `ConvTower`; cropping comes before the recurrent units.
    conv_norm : bool
        Batch norm in the convolutions.
    n_gru, dropout, gru_norm
        As for `GRUBlock`.
    """

    def __init__(
        self,
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
        dtype=None,
        device=None,
    ) -> None:
        super().__init__()
        self.conv_tower = ConvTower(
            stem_channels=stem_channels,
            stem_kernel_size=stem_kernel_size,
            n_blocks=n_conv,
            channel_init=channel_init,
            channel_mult=channel_mult,
            kernel_size=kernel_size,
            act_func=act_func,
            norm=conv_norm,
            pool_func=pool_func,
            pool_size=pool_size,
            residual=residual,
            crop_len=crop_len,
            dtype=dtype,
            device=device,
        )
        self.gru_tower = GRUBlock(
            self.conv_tower.out_channels,
            n_layers=n_gru,
            dropout=dropout,
            act_func=act_func,
            norm=gru_norm,
            dtype=dtype,
            device=device,
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.gru_tower(self.conv_tower(x))


class ConvTransformerTrunk(nn.Module):
    """A convolutional tower, then transformers: (N, 4, L) -> (N, C, positions).

    Parameters
    ----------
    n_conv : int
        Convolutions **including the stem**.
    stem_channels, stem_kernel_size, channel_init, channel_mult, kernel_size, act_func, norm, \
pool_func, pool_size, residual, crop_len
        As for `ConvTower`; cropping comes before the transformers.
    n_transformers, key_len, value_len, n_heads, n_pos_features, pos_dropout, attn_dropout, \
ff_dropout
        As for `TransformerTower`.
    """

    def __init__(
        self,
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
        dtype=None,
        device=None,
    ) -> None:
        super().__init__()
        self.conv_tower = ConvTower(
            stem_channels=stem_channels,
            stem_kernel_size=stem_kernel_size,
            n_blocks=n_conv,
            channel_init=channel_init,
            channel_mult=channel_mult,
            kernel_size=kernel_size,
            act_func=act_func,
            norm=norm,
            pool_func=pool_func,
            pool_size=pool_size,
            residual=residual,
            crop_len=crop_len,
            dtype=dtype,
            device=device,
        )
        self.transformer_tower = TransformerTower(
            self.conv_tower.out_channels,
            n_blocks=n_transformers,
            n_heads=n_heads,
            n_pos_features=n_pos_features,
            key_len=key_len,
            value_len=value_len,
            pos_dropout=pos_dropout,
            attn_dropout=attn_dropout,
            ff_dropout=ff_dropout,
            dtype=dtype,
            device=device,
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.transformer_tower(self.conv_tower(x))
