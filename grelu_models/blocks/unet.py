"""U-net blocks: back to a higher resolution. Shapes are (N, C, L)."""

from torch import Tensor, nn

from grelu_models.blocks.conv import ChannelTransformBlock, ConvBlock, SeparableConv

__all__ = ["UnetBlock", "UnetTower"]


class UnetBlock(nn.Module):
    """Double the length by repetition, add the skip of that length, and mix.

    Parameters
    ----------
    in_channels, y_in_channels : int
        Channels of the input and of the skip.
    norm_type, norm_kwargs, act_func
        As for `ConvBlock`.
    """

    def __init__(
        self,
        in_channels: int,
        y_in_channels: int,
        norm_type: str = "batch",
        norm_kwargs: dict | None = None,
        act_func: str | None = "gelu_borzoi",
        dtype=None,
        device=None,
    ) -> None:
        super().__init__()
        factory = {"dtype": dtype, "device": device}
        same = {"norm_type": norm_type, "norm_kwargs": norm_kwargs, "act_func": act_func}
        self.conv = ConvBlock(in_channels, in_channels, 1, order="NACDR", **same, **factory)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.channel_transform = ChannelTransformBlock(
            y_in_channels, in_channels, norm=True, order="NACD", if_equal=True, **same, **factory
        )
        self.sconv = SeparableConv(in_channels, 3, **factory)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """(N, C, L) and the skip (N, C', 2 L) -> (N, C, 2 L)."""
        return self.sconv(self.upsample(self.conv(x)) + self.channel_transform(y))


class UnetTower(nn.Module):
    """U-net blocks one after the other.

    Parameters
    ----------
    in_channels : int
    y_in_channels : list of int
        Channels of the skips, from low to high resolution; one block for each.
    n_blocks : int
        Without effect, as in gReLU 1.1.0.
    act_func, **kwargs
        See `UnetBlock`.
    """

    def __init__(
        self,
        in_channels: int,
        y_in_channels: list[int],
        n_blocks: int,
        act_func: str | None = "gelu_borzoi",
        **kwargs,
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            UnetBlock(in_channels, channels, act_func=act_func, **kwargs)
            for channels in y_in_channels
        )

    def forward(self, x: Tensor, ys: list[Tensor]) -> Tensor:
        """(N, C, L) and one skip a block -> (N, C, L * 2 ** blocks)."""
        for block, y in zip(self.blocks, ys, strict=True):
            x = block(x, y)
        return x
