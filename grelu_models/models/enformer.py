"""Enformer (Avsec et al. 2021, 10.1038/s41592-021-01252-x), from scratch or published."""

from pathlib import Path

from grelu_models.files.published import PUBLISHED
from grelu_models.heads import ConvHead
from grelu_models.models.base import BaseModel
from grelu_models.models.published import load_published
from grelu_models.trunks import EnformerTrunk

__all__ = ["EnformerModel", "EnformerPretrainedModel"]


class EnformerModel(BaseModel):
    """Convolutions with attention pooling, and transformers, with a 1x1 head.

    The defaults are the published size: 196,608 bp in; bins of 128 bp out.

    Parameters
    ----------
    n_tasks : int
        Output tracks.
    n_conv, channels, n_transformers, n_heads, key_len, attn_dropout, pos_dropout, ff_dropout, \
crop_len, use_tf_gamma
        See `EnformerTrunk`.
    final_act_func : str, optional
        Activation inside the head.
    final_pool_func : str or None
        avg or max: one value a window. None: one value a bin.
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
        dtype=None,
        device=None,
        use_tf_gamma: bool = False,
    ) -> None:
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
            dtype=dtype,
            device=device,
            use_tf_gamma=use_tf_gamma,
        )
        head = ConvHead(
            n_tasks,
            2 * channels,
            act_func=final_act_func,
            pool_func=final_pool_func,
            dtype=dtype,
            device=device,
        )
        super().__init__(trunk, head)


class EnformerPretrainedModel(BaseModel):
    """The published Enformer: its trunk with a new head, or whole.

    Parameters
    ----------
    n_tasks : int or None
        Tracks of a new head with random weights, to be trained (gReLU's meaning); None keeps the
        published head of 5,313 human tracks.
    n_transformers : int
        Keep the first so many of 11.
    crop_len, final_pool_func, use_tf_gamma
        See `EnformerModel`. The weights were trained with TensorFlow's gamma; gReLU evaluates
        them without.
    weights : path or bool
        A file to take the published weights from; True fetches them; False leaves all weights
        random, for a checkpoint that has its own.
    """

    def __init__(
        self,
        n_tasks: int | None,
        n_transformers: int = 11,
        crop_len: int = 0,
        final_pool_func: str | None = "avg",
        dtype=None,
        device=None,
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
