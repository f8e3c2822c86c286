"""Normalisation by name, and dropout."""

from collections.abc import Callable
from functools import partial

from torch import nn

from grelu_models.errors import ModelError
from grelu_models.layers.registry import choose
from grelu_models.layers.types import Wrapper

__all__ = ["Dropout", "Norm"]

NORMS: dict[str | None, Callable[..., nn.Module]] = {
    "batch": nn.BatchNorm1d,
    "syncbatch": nn.SyncBatchNorm,
    # With running statistics, it equals a batch norm in eval mode.
    "instance": partial(nn.InstanceNorm1d, affine=True, track_running_stats=True),
    "layer": nn.LayerNorm,
    None: nn.Identity,
}


class Norm(Wrapper):
    """Normalisation, chosen by name.

    Parameters
    ----------
    func : str or None
        "batch", "syncbatch", "instance" (affine, with running statistics) or "layer". The layer
        norm acts on the last axis and so takes (N, L, C), the others take (N, C, L). Default is
        None: the identity.
    in_dim : int, optional
        Channels C, needed unless `func` is None. Default is None.
    **kwargs
        Further arguments of the torch module, such as `eps`.

    Raises
    ------
    ModelError
        If the name is unknown or `in_dim` is missing.
    """

    def __init__(
        self, func: str | None = None, in_dim: int | None = None, **kwargs: object
    ) -> None:
        super().__init__()
        if func is not None and in_dim is None:
            raise ModelError(f"normalisation {func!r} needs in_dim")
        self.layer = choose(NORMS, func, "normalisation")(in_dim, **kwargs)


class Dropout(Wrapper):
    """Dropout.

    Parameters
    ----------
    p : float
        Probability. Default is 0.0: the identity.
    """

    def __init__(self, p: float = 0.0) -> None:
        super().__init__()
        self.layer = nn.Dropout(p) if p > 0 else nn.Identity()
