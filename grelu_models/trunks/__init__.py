"""Trunks: from one-hot bases (N, 4, L) to an embedding (N, C, positions)."""

from grelu_models.trunks.borzoi import BorzoiConvTower, BorzoiTrunk
from grelu_models.trunks.conv import (
    ConvGRUTrunk,
    ConvTransformerTrunk,
    ConvTrunk,
    DilatedConvTrunk,
)
from grelu_models.trunks.enformer import (
    EnformerConvTower,
    EnformerTransformerBlock,
    EnformerTransformerTower,
    EnformerTrunk,
)
from grelu_models.trunks.explainn import ExplaiNNConvBlock, ExplaiNNTrunk

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
