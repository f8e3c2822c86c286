"""Enformer (Avsec et al. 2021, 10.1038/s41592-021-01252-x), from scratch or published."""

from pathlib import Path

import torch

from grelu_models.files.published import PUBLISHED
from grelu_models.heads import ConvHead
from grelu_models.layers.types import Device, Factory
from grelu_models.models.base import BaseModel
from grelu_models.models.published import load_published
from grelu_models.trunks import EnformerTrunk

__all__ = ["EnformerModel", "EnformerPretrainedModel"]


class EnformerModel(BaseModel):
    """Enformer: convolutions with attention pooling, and transformers.

    (N, 4, L) -> (N, n_tasks, L / 2 ** n_conv - 2 * crop_len), or (N, n_tasks, 1) with final
    pooling. The default sizes are the published ones, for windows of 196,608 bp:

    1. Seven convolutions, each with attention pooling by 2: 1,536 channels at 1,536 bins of
       128 bp.
    2. 11 transformer blocks over these bins.
    3. A 1x1 convolution to 3,072 channels, and cropping of bins at both ends.
    4. The head: a 1x1 convolution to the tasks, and final pooling over all bins.

    Parameters
    ----------
    n_tasks : int
        Output tracks.
    n_conv, channels, n_transformers, n_heads, key_len, attn_dropout, pos_dropout, ff_dropout, \
crop_len
        See `EnformerTrunk`.
    final_act_func : str or None
        Activation at the end of the head, see `Activation`. Default is None.
    final_pool_func : str or None
        "avg" or "max": one value per window. None: one value per bin. Default is "avg".
    use_tf_gamma
        See `EnformerTrunk`.

    Examples
    --------
    A small model with bins of 8 bp:

    >>> import torch
    >>> model = EnformerModel(
    ...     n_tasks=2, n_conv=3, channels=384, n_transformers=1, n_heads=4, final_pool_func=None
    ... )
    >>> model(torch.zeros(1, 4, 256)).shape
    torch.Size([1, 2, 32])
    """

    def __init__(
        self,
        n_tasks: int,
        n_conv: int = 7,
        channels: int = 1536,
        n_transformers: int = 11,
        n_heads: int = 8,
        key_len: int = 64,
        attn_dropout: float = 0.05,
        pos_dropout: float = 0.01,
        ff_dropout: float = 0.4,
        crop_len: int = 0,
        final_act_func: str | None = None,
        final_pool_func: str | None = "avg",
        dtype: torch.dtype | None = None,
        device: Device = None,
        use_tf_gamma: bool = False,
    ) -> None:
        factory: Factory = {"dtype": dtype, "device": device}
        trunk = EnformerTrunk(
            n_conv=n_conv,
            channels=channels,
            n_transformers=n_transformers,
            n_heads=n_heads,
            key_len=key_len,
            attn_dropout=attn_dropout,
            pos_dropout=pos_dropout,
            ff_dropout=ff_dropout,
            crop_len=crop_len,
            use_tf_gamma=use_tf_gamma,
            **factory,
        )
        head = ConvHead(
            n_tasks,
            2 * channels,
            act_func=final_act_func,
            pool_func=final_pool_func,
            **factory,
        )
        super().__init__(trunk, head)


class EnformerPretrainedModel(BaseModel):
    """The published Enformer: its trunk with a new head, or the whole model.

    Parameters
    ----------
    n_tasks : int or None
        Tracks of a new head with random weights, to be trained, as in gReLU. None keeps the
        published head of 5,313 human tracks.
    n_transformers : int
        Transformer blocks to keep, the first ones of 11. Default is 11.
    crop_len, final_pool_func
        See `EnformerModel`.
    use_tf_gamma : bool
        See `EnformerAttention`. The published weights were trained with True, but gReLU evaluates
        them with False. Default is False.
    weights : path or bool
        A file with the published weights. True fetches it from the hub. False leaves all weights
        random, to be loaded from a checkpoint. Default is True.

    Raises
    ------
    ModelError
        If the published weights are not available or do not fit.

    Examples
    --------
    The architecture alone, without memory for its weights:

    >>> import torch
    >>> with torch.device("meta"):
    ...     model = EnformerPretrainedModel(n_tasks=None, weights=False)
    >>> sum(parameter.numel() for parameter in model.parameters())
    246172353
    """

    def __init__(
        self,
        n_tasks: int | None,
        n_transformers: int = 11,
        crop_len: int = 0,
        final_pool_func: str | None = "avg",
        dtype: torch.dtype | None = None,
        device: Device = None,
        use_tf_gamma: bool = False,
        weights: str | Path | bool = True,
    ) -> None:
        published = PUBLISHED["EnformerPretrainedModel"]
        model = EnformerModel(
            published.tracks if n_tasks is None else n_tasks,
            n_transformers=n_transformers,
            crop_len=crop_len,
            final_pool_func=final_pool_func,
            dtype=dtype,
            device=device,
            use_tf_gamma=use_tf_gamma,
        )
        if weights:
            load_published(model, weights, published.repo, published.file, head=n_tasks is None)
        super().__init__(model.embedding, model.head)
