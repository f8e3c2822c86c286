"""Borzoi (Linder et al. 2025, 10.1038/s41588-024-02053-6), from scratch or published."""

from pathlib import Path

import torch

from grelu_models.files.published import PUBLISHED
from grelu_models.heads import ConvHead
from grelu_models.layers.types import Device, Factory, NormOptions
from grelu_models.models.base import BaseModel
from grelu_models.models.published import load_published
from grelu_models.trunks import BorzoiTrunk

__all__ = ["BorzoiModel", "BorzoiPretrainedModel"]

EPSILON = 0.001
"""Default `eps` of all norms, which is that of Keras."""


class BorzoiModel(BaseModel):
    """Borzoi: convolutions, transformers and a U-net.

    (N, 4, L) -> (N, n_tasks, L / 2 ** (n_conv - 2) - 2 * crop_len), or (N, n_tasks, 1) with final
    pooling. The default sizes are the published ones, for windows of 524,288 bp:

    1. Seven convolutions, each with max pooling by 2: 1,536 channels at 4,096 positions of 128 bp.
    2. 8 transformer blocks over these positions.
    3. A U-net of two blocks, back to 16,384 bins of 32 bp.
    4. A 1x1 convolution to 1,920 channels, and cropping of bins at both ends.
    5. The head: a 1x1 convolution to the tasks, and final pooling over all bins.

    Parameters
    ----------
    n_tasks : int
        Output tracks.
    stem_channels, stem_kernel_size : int
        Channels of the stem, and width of its convolution in base pairs. Defaults are 512 and 15.
    init_channels, channels : int
        Channels of the first convolution after the stem, and of the last; they grow by a constant
        factor. Defaults are 608 and 1536.
    n_conv : int
        Convolutions **including the stem**, at least 3. Default is 7.
    kernel_size : int
        Width of the convolutions after the stem. Default is 5.
    n_transformers : int
        Transformer blocks. Default is 8.
    key_len, value_len : int
        Channels of a head's queries and keys, and of its values. Defaults are 64 and 192.
    pos_dropout, attn_dropout, ff_dropout : float
        Dropout of positional features, of attention weights, and after attention and in the
        feed-forward blocks. Defaults are 0.01, 0.05 and 0.2.
    norm_kwargs : dict, optional
        Further arguments of all norms. Default is None: `eps` 0.001.
    n_heads, n_pos_features : int
        Heads, and positional features. Defaults are 8 and 32.
    crop_len : int
        Output bins to drop at each end. Default is 16.
    act_func
        See `BorzoiTrunk`.
    final_act_func : str or None
        Activation at the end of the head, see `Activation`. Default is None.
    final_pool_func : str or None
        "avg" or "max": one value per window. None: one value per bin. Default is "avg".
    flash_attn : bool or "flashzoi"
        Kind of attention, see `TransformerBlock`. Default is False: relative positions.
    position_length
        See `Attention`.

    Examples
    --------
    A small model with bins of 32 bp, two of which are dropped at each end:

    >>> import torch
    >>> model = BorzoiModel(
    ...     n_tasks=2, stem_channels=8, init_channels=32, channels=64, n_transformers=1,
    ...     n_heads=2, crop_len=2, final_pool_func=None
    ... )
    >>> model(torch.zeros(1, 4, 1024)).shape
    torch.Size([1, 2, 28])
    """

    def __init__(
        self,
        n_tasks: int,
        stem_channels: int = 512,
        stem_kernel_size: int = 15,
        init_channels: int = 608,
        channels: int = 1536,
        n_conv: int = 7,
        kernel_size: int = 5,
        n_transformers: int = 8,
        key_len: int = 64,
        value_len: int = 192,
        pos_dropout: float = 0.01,
        attn_dropout: float = 0.05,
        ff_dropout: float = 0.2,
        norm_kwargs: NormOptions | None = None,
        n_heads: int = 8,
        n_pos_features: int = 32,
        crop_len: int = 16,
        act_func: str | None = "gelu_borzoi",
        final_act_func: str | None = None,
        final_pool_func: str | None = "avg",
        flash_attn: bool | str = False,
        dtype: torch.dtype | None = None,
        device: Device = None,
        position_length: int | None = None,
    ) -> None:
        factory: Factory = {"dtype": dtype, "device": device}
        trunk = BorzoiTrunk(
            stem_channels=stem_channels,
            stem_kernel_size=stem_kernel_size,
            init_channels=init_channels,
            n_conv=n_conv,
            kernel_size=kernel_size,
            channels=channels,
            n_transformers=n_transformers,
            key_len=key_len,
            value_len=value_len,
            pos_dropout=pos_dropout,
            attn_dropout=attn_dropout,
            ff_dropout=ff_dropout,
            n_heads=n_heads,
            n_pos_features=n_pos_features,
            crop_len=crop_len,
            flash_attn=flash_attn,
            norm_kwargs=norm_kwargs or {"eps": EPSILON},
            act_func=act_func,
            position_length=position_length,
            **factory,
        )
        head = ConvHead(
            n_tasks,
            round(channels * 1.25),
            act_func=final_act_func,
            pool_func=final_pool_func,
            **factory,
        )
        super().__init__(trunk, head)


class BorzoiPretrainedModel(BaseModel):
    """The published Borzoi: its trunk with a new head, or the whole model.

    Parameters
    ----------
    n_tasks : int or None
        Tracks of a new head with random weights, to be trained, as in gReLU. None keeps the
        published head of 7,611 human tracks.
    fold : int
        Published replicate, 0 to 3. Default is 0.
    n_transformers : int
        Transformer blocks to keep, the first ones of 8. Default is 8.
    crop_len : int
        Output bins to drop at each end. Default is 0.
    act_func, norm_kwargs, final_pool_func
        See `BorzoiModel`.
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
    ...     model = BorzoiPretrainedModel(n_tasks=None, weights=False)
    >>> sum(parameter.numel() for parameter in model.parameters())
    185892699
    """

    def __init__(
        self,
        n_tasks: int | None,
        fold: int = 0,
        n_transformers: int = 8,
        crop_len: int = 0,
        act_func: str | None = "gelu_borzoi",
        norm_kwargs: NormOptions | None = None,
        final_pool_func: str | None = "avg",
        dtype: torch.dtype | None = None,
        device: Device = None,
        weights: str | Path | bool = True,
    ) -> None:
        published = PUBLISHED["BorzoiPretrainedModel"]
        model = BorzoiModel(
            published.tracks if n_tasks is None else n_tasks,
            crop_len=crop_len,
            n_transformers=n_transformers,
            norm_kwargs=norm_kwargs,
            act_func=act_func,
            final_pool_func=final_pool_func,
            dtype=dtype,
            device=device,
        )
        if weights:
            file = published.file.format(fold=fold)
            load_published(model, weights, published.repo, file, head=n_tasks is None)
        super().__init__(model.embedding, model.head)
