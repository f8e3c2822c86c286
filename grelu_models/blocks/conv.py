"""Convolution blocks, and towers of them. Inputs and outputs have shape (N, C, L)."""

from torch import Tensor, nn

from grelu_models.errors import ModelError
from grelu_models.layers import (
    Activation,
    ChannelTransform,
    Crop,
    Dropout,
    Norm,
    Pool,
    make_conv,
)
from grelu_models.layers.streaming import stream

__all__ = ["ChannelTransformBlock", "ConvBlock", "ConvTower", "SeparableConv", "Stem"]


def _check_order(order: str, letters: str) -> None:
    if sorted(order) != sorted(letters):
        raise ModelError(f"order {order!r} must hold each of the letters {letters} once")


class ConvBlock(nn.Module):
    """Convolution, dropout, norm, residual and activation in a given order, then pooling.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels C before and after.
    kernel_size, dilation : int
        Of the convolution, which keeps the length ("same" padding).
    act_func, pool_func, pool_size : str, str, int
        See `Activation` and `Pool`.
    dropout : float
        Probability.
    norm, norm_type, norm_kwargs : bool, str, dict
        Whether and how to normalise; the width follows from the norm's place in `order`.
    residual : bool
        Add the block's input where `order` says R, through a 1x1 convolution if channels change.
    order : str
        The letters C (convolution), D (dropout), N (norm), R (residual), A (activation); pooling
        is always last. "CDNRA" is the plain block, "NACDR" the pre-activated one.
    bias : bool
        Without effect, as in gReLU 1.1.0: the convolution always has a bias.
    return_pre_pool : bool
        Return (pooled, before pooling), as a U-net's skips need.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        dilation: int = 1,
        act_func: str | None = "relu",
        pool_func: str | None = None,
        pool_size: int | None = None,
        dropout: float = 0.0,
        norm: bool = True,
        norm_type: str = "batch",
        norm_kwargs: dict | None = None,
        residual: bool = False,
        order: str = "CDNRA",
        bias: bool = True,
        return_pre_pool: bool = False,
        dtype=None,
        device=None,
        **kwargs,
    ) -> None:
        super().__init__()
        _check_order(order, "CDNRA")
        self.order = order
        self.residual = residual
        self.return_pre_pool = return_pre_pool
        factory = {"dtype": dtype, "device": device}
        self.conv = make_conv(
            in_channels, out_channels, kernel_size, dilation=dilation, **factory, **kwargs
        )
        if norm:
            width = out_channels if order.index("N") > order.index("C") else in_channels
            self.norm = Norm(norm_type, in_dim=width, **(norm_kwargs or {}), **factory)
        else:
            self.norm = Norm(None)
        if residual:
            self.channel_transform = ChannelTransform(in_channels, out_channels, **factory)
        self.act = Activation(act_func)
        self.pool = Pool(pool_func, pool_size=pool_size, in_channels=out_channels)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        steps = {"C": self.conv, "D": self.dropout, "N": self.norm, "A": self.act}
        skip = self.channel_transform(x) if self.residual else None
        for letter in self.order:
            if letter in steps:
                x = steps[letter](x)
            elif skip is not None:
                x = x + skip
        return (self.pool(x), x) if self.return_pre_pool else self.pool(x)


class ChannelTransformBlock(nn.Module):
    """A 1x1 convolution with dropout, norm and activation, in the order given.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels C before and after; equal ones need `if_equal` to get a convolution.
    norm, act_func, dropout, norm_type, norm_kwargs
        As for `ConvBlock`.
    order : str
        The letters C, D, N, A.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        norm: bool = False,
        act_func: str | None = "relu",
        dropout: float = 0.0,
        order: str = "CDNA",
        norm_type: str = "batch",
        norm_kwargs: dict | None = None,
        if_equal: bool = False,
        dtype=None,
        device=None,
    ) -> None:
        super().__init__()
        _check_order(order, "CDNA")
        self.order = order
        factory = {"dtype": dtype, "device": device}
        if norm:
            width = out_channels if order.index("N") > order.index("C") else in_channels
            self.norm = Norm(norm_type, in_dim=width, **(norm_kwargs or {}), **factory)
        else:
            self.norm = Norm(None)
        self.conv = ChannelTransform(in_channels, out_channels, if_equal=if_equal, **factory)
        self.act = Activation(act_func)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        steps = {"C": self.conv, "D": self.dropout, "N": self.norm, "A": self.act}
        for letter in self.order:
            x = steps[letter](x)
        return x


class Stem(nn.Module):
    """The first convolution, from one-hot bases (N, 4, L), with activation and pooling."""

    def __init__(
        self,
        out_channels: int,
        kernel_size: int,
        act_func: str | None = "relu",
        pool_func: str | None = None,
        pool_size: int | None = None,
        dtype=None,
        device=None,
    ) -> None:
        super().__init__()
        self.conv = make_conv(4, out_channels, kernel_size, dtype=dtype, device=device)
        self.act = Activation(act_func)
        self.pool = Pool(pool_func, pool_size=pool_size, in_channels=out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(self.act(self.conv(x)))


class SeparableConv(nn.Module):
    """A convolution of each channel by itself, then a 1x1 convolution (Keras' SeparableConv1D)."""

    def __init__(self, in_channels: int, kernel_size: int, dtype=None, device=None) -> None:
        super().__init__()
        factory = {"dtype": dtype, "device": device}
        self.depthwise = make_conv(
            in_channels, in_channels, kernel_size, groups=in_channels, bias=False, **factory
        )
        self.pointwise = make_conv(in_channels, in_channels, 1, **factory)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(x))


class ConvTower(nn.Module):
    """A stem and convolution blocks: one-hot (N, 4, L) -> (N, out_channels, positions).

    Parameters
    ----------
    stem_channels, stem_kernel_size : int
        Of the stem, which does not pool.
    n_blocks : int
        Blocks **including the stem**: 1 is the stem alone. Each later block pools.
    channel_init, channel_mult : int, float
        Channels of the first later block, and their growth from the second on (truncated).
    kernel_size, dilation_init, dilation_mult : int, int, float
        Kernel of the later blocks, and their dilation, which grows likewise.
    act_func, norm, norm_kwargs, pool_func, pool_size, residual, dropout, order
        As for `ConvBlock`.
    crop_len : int or "auto"
        Output positions dropped at each end.

    Attributes
    ----------
    out_channels : int
    pool_factor : int
        Base pairs in an output position.
    receptive_field : int
        gReLU's count, which "auto" cropping uses: the stem's kernel, plus dilation * (kernel - 1)
        per block, multiplied by the pool size after each pooled block.
    """

    def __init__(
        self,
        stem_channels: int,
        stem_kernel_size: int,
        n_blocks: int = 2,
        channel_init: int = 16,
        channel_mult: float = 1,
        kernel_size: int = 5,
        dilation_init: int = 1,
        dilation_mult: float = 1,
        act_func: str | None = "relu",
        norm: bool = False,
        norm_kwargs: dict | None = None,
        pool_func: str | None = None,
        pool_size: int | None = None,
        residual: bool = False,
        dropout: float = 0.0,
        order: str = "CDNRA",
        crop_len: int | str = 0,
        dtype=None,
        device=None,
    ) -> None:
        super().__init__()
        factory = {"dtype": dtype, "device": device}
        self.blocks = nn.ModuleList([Stem(stem_channels, stem_kernel_size, act_func, **factory)])
        self.receptive_field, self.pool_factor = stem_kernel_size, 1
        self.out_channels = stem_channels
        channels, dilation = channel_init, dilation_init
        for _ in range(n_blocks - 1):
            self.blocks.append(
                ConvBlock(
                    self.out_channels,
                    channels,
                    kernel_size,
                    dilation=dilation,
                    act_func=act_func,
                    pool_func=pool_func,
                    pool_size=pool_size,
                    dropout=dropout,
                    norm=norm,
                    norm_kwargs=norm_kwargs,
                    residual=residual,
                    order=order,
                    **factory,
                )
            )
            self.receptive_field += dilation * (kernel_size - 1)
            if pool_func is not None:
                self.receptive_field *= pool_size
                self.pool_factor *= pool_size
            self.out_channels = channels
            channels, dilation = int(channels * channel_mult), int(dilation * dilation_mult)
        self.crop = Crop(crop_len, receptive_field=self.receptive_field)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = stream(block, x)
        return self.crop(x)
