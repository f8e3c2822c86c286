"""Options that towers pass on to the blocks they build."""

from typing import TypedDict

from grelu_models.layers.types import Factory, NormOptions

__all__ = ["BlockOptions", "NormChoice", "PoolChoice", "TowerOptions"]


class NormChoice(Factory, total=False):
    """Norm of a block, and the type and device of its weights."""

    norm_type: str
    norm_kwargs: NormOptions | None


class BlockOptions(NormChoice, total=False):
    """Norm and activation of a block, and the type and device of its weights."""

    act_func: str | None


class PoolChoice(TypedDict):
    """Pooling of a block."""

    pool_func: str
    pool_size: int


class TowerOptions(Factory, total=False):
    """Arguments of a `ConvTower` that trunks pass on unchanged."""

    norm_kwargs: NormOptions | None
    order: str
