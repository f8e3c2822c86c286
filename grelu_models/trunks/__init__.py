"""Trunks: from one-hot bases (N, 4, L) to an embedding (N, C, positions).

Class names, constructor arguments and state-dict keys are those of gReLU. A trunk becomes the
`embedding` of a model.

Reading order: `conv` and `dilated` (convolutions alone), `gru` and `transformer` (with a layer
that reads the whole sequence on top), `enformer`, `borzoi` and `explainn` (published
architectures). `growth` computes the channels of Enformer's and Borzoi's convolutions.
"""

from grelu_models.trunks.borzoi import BorzoiConvTower, BorzoiTrunk
from grelu_models.trunks.conv import ConvTrunk
from grelu_models.trunks.dilated import DilatedConvTrunk
from grelu_models.trunks.enformer import (
    EnformerConvTower,
    EnformerTransformerBlock,
    EnformerTransformerTower,
    EnformerTrunk,
)
from grelu_models.trunks.explainn import ExplaiNNConvBlock, ExplaiNNTrunk
from grelu_models.trunks.gru import ConvGRUTrunk
from grelu_models.trunks.transformer import ConvTransformerTrunk

__all__ = [
    "BorzoiConvTower",
    "BorzoiTrunk",
    "ConvGRUTrunk",
    "ConvTransformerTrunk",
    "ConvTrunk",
    "DilatedConvTrunk",
    "EnformerConvTower",
    "EnformerTransformerBlock",
    "EnformerTransformerTower",
    "EnformerTrunk",
    "ExplaiNNConvBlock",
    "ExplaiNNTrunk",
]
