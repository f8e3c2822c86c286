"""Models: a trunk (`embedding`) and a head; one-hot bases (N, 4, L) -> logits (N, tasks, bins).

Class names, constructor arguments and state-dict keys are those of gReLU. The channels of one-hot
bases are A, C, G and T; an unknown base is all zeros. Logits precede the final activation, which a
checkpoint states separately. `ARCHITECTURES` maps a checkpoint's `model_type` to its class.

Reading order: `base`, then one file per family: `conv`, `dilated`, `gru` and `transformer` (built
from the same convolutions), `explainn`, `enformer` and `borzoi`. `published` copies published
weights into the last two.
"""

from grelu_models.models.base import BaseModel
from grelu_models.models.borzoi import BorzoiModel, BorzoiPretrainedModel
from grelu_models.models.conv import ConvMLPModel, ConvModel
from grelu_models.models.dilated import DilatedConvModel
from grelu_models.models.enformer import EnformerModel, EnformerPretrainedModel
from grelu_models.models.explainn import ExplaiNNModel
from grelu_models.models.gru import ConvGRUModel
from grelu_models.models.transformer import ConvTransformerModel

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
