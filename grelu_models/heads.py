"""Heads: from an embedding (N, C, positions) to one channel a task."""

from einops import rearrange
from torch import Tensor, nn

from grelu_models.blocks import ChannelTransformBlock, LinearBlock
from grelu_models.layers import AdaptivePool

__all__ = ["ConvHead", "MLPHead"]


class ConvHead(nn.Module):
    """A 1x1 convolution to `n_tasks` channels, and pooling over all positions if asked for.

    Parameters
    ----------
    n_tasks, in_channels : int
        Channels out and in.
    act_func : str, optional
        Activation after the convolution.
    pool_func : str, optional
        avg or max pool all positions into one: (N, n_tasks, 1). None keeps them.
    norm, norm_kwargs
        Batch norm between convolution and activation.
    """

    def __init__(
        self,
        n_tasks: int,
        in_channels: int,
        act_func: str | None = None,
        pool_func: str | None = None,
        norm: bool = False,
        norm_kwargs: dict | None = None,
        dtype=None,
        device=None,
    ) -> None:
        super().__init__()
        self.n_tasks, self.in_channels = n_tasks, in_channels
        self.channel_transform = ChannelTransformBlock(
            in_channels,
            n_tasks,
            norm=norm,
            act_func=act_func,
            norm_kwargs=norm_kwargs,
            dtype=dtype,
            device=device,
        )
        self.pool = AdaptivePool(pool_func)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(self.channel_transform(x))


class MLPHead(nn.Module):
    """Linear layers over all channels and positions: (N, C, positions) -> (N, n_tasks, 1).

    Parameters
    ----------
    n_tasks, in_channels, in_len : int
        Channels out and in, and positions in.
    act_func : str, optional
        After each hidden layer.
    hidden_size : list of int
        Widths of the hidden layers.
    norm : bool
        Layer norm of the input of every layer, the last one included.
    dropout : float
        After every layer, the last one included.
    """

    def __init__(
        self,
        n_tasks: int,
        in_channels: int,
        in_len: int,
        act_func: str | None = None,
        hidden_size: list[int] | tuple[int, ...] = (),
        norm: bool = False,
        dropout: float = 0.0,
        dtype=None,
        device=None,
    ) -> None:
        super().__init__()
        self.n_tasks, self.in_channels, self.in_len = n_tasks, in_channels, in_len
        widths = [in_channels * in_len, *hidden_size, n_tasks]
        functions = [act_func] * len(hidden_size) + [None]
        shared = {"dropout": dropout, "norm": norm, "dtype": dtype, "device": device}
        self.blocks = nn.ModuleList(
            LinearBlock(before, after, act_func=function, **shared)
            for before, after, function in zip(widths, widths[1:], functions, strict=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = rearrange(x, "n c l -> n 1 (c l)")
        for block in self.blocks:
            x = block(x)
        return rearrange(x, "n 1 t -> n t 1")
