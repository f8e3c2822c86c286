"""Heads: from an embedding (N, C, positions) to one channel a task."""

from torch import Tensor, nn

from grelu_models.blocks import ChannelTransformBlock
from grelu_models.layers import AdaptivePool

__all__ = ["ConvHead"]


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
        self.n_tasks = n_tasks
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
