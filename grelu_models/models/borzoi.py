"""Borzoi (Linder et al. 2025, 10.1038/s41588-024-02053-6), from scratch or published."""

from pathlib import Path

from grelu_models.files.published import PUBLISHED
from grelu_models.heads import ConvHead
from grelu_models.models.base import BaseModel
from grelu_models.models.published import load_published
from grelu_models.trunks import BorzoiTrunk

__all__ = ["BorzoiModel", "BorzoiPretrainedModel"]

EPSILON = 0.001  # of all norms, as in Keras


class BorzoiModel(BaseModel):
    """Convolutions, transformers and a U-net, with a 1x1 head.

    The defaults are the published size: 524,288 bp in; bins of 32 bp out.

    Parameters
    ----------
    n_tasks : int
        Output tracks.
    stem_channels, stem_kernel_size, init_channels, channels, n_conv, kernel_size, \
n_transformers, key_len, value_len, pos_dropout, attn_dropout, ff_dropout, n_heads, \
n_pos_features, crop_len, act_func, flash_attn, position_length
        See `BorzoiTrunk`.
    norm_kwargs : dict, optional
        Of all norms; by default `eps` 0.001.
    final_act_func : str, optional
        Activation inside the head.
    final_pool_func : str or None
        avg or max: one value a window. None: one value a bin.
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
        norm_kwargs: dict | None = None,
        n_heads: int = 8,
        n_pos_features: int = 32,
        crop_len: int = 16,
        act_func: str | None = "gelu_borzoi",
        final_act_func: str | None = None,
        final_pool_func: str | None = "avg",
        flash_attn: bool | str = False,
        dtype=None,
        device=None,
        position_length: int | None = None,
    ) -> None:
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
            dtype=dtype,
            device=device,
            position_length=position_length,
        )
        head = ConvHead(
            n_tasks,
            round(channels * 1.25),
            act_func=final_act_func,
            pool_func=final_pool_func,
            dtype=dtype,
            device=device,
        )
        super().__init__(trunk, head)


class BorzoiPretrainedModel(BaseModel):
    """The published Borzoi: its trunk with a new head, or whole.

    Parameters
    ----------
    n_tasks : int or None
        Tracks of a new head with random weights, to be trained (gReLU's meaning); None keeps the
        published head of 7,611 human tracks.
    fold : int
        Which of the four published replicates.
    n_transformers : int
        Keep the first so many of 8.
    crop_len, act_func, norm_kwargs, final_pool_func
        See `BorzoiModel`.
    weights : path or bool
        A file to take the published weights from; True fetches them; False leaves all weights
        random, for a checkpoint that has its own.
    """

    def __init__(
        self,
        n_tasks: int | None,
        fold: int = 0,
        n_transformers: int = 8,
        crop_len: int = 0,
        act_func: str | None = "gelu_borzoi",
        norm_kwargs: dict | None = None,
        final_pool_func: str | None = "avg",
        dtype=None,
        device=None,
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
