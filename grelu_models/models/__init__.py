"""Models: a trunk (`embedding`) and a head; one-hot bases (N, 4, L) -> logits (N, tasks, bins).

`ARCHITECTURES` maps a checkpoint's `model_type` to its class.
"""

from grelu_models.models.base import BaseModel
from grelu_models.models.borzoi import BorzoiModel, BorzoiPretrainedModel
from grelu_models.models.conv import (
    ConvGRUModel,
    ConvMLPModel,
    ConvModel,
    ConvTransformerModel,
    DilatedConvModel,
)
from grelu_models.models.enformer import EnformerModel, EnformerPretrainedModel
from grelu_models.models.explainn import ExplaiNNModel

ARCHITECTURES: dict[str, type[BaseModel]] = {
    model.__name__: model
    for model in (
        ConvModel,
        DilatedConvModel,
        ConvGRUModel,
        ConvTransformerModel,
        ConvMLPModel,
        BorzoiModel,
        BorzoiPretrainedModel,
        ExplaiNNModel,
        EnformerModel,
        EnformerPretrainedModel,
    )
}

__all__ = ["ARCHITECTURES", "BaseModel", *ARCHITECTURES]
