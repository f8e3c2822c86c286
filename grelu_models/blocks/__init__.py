"""Blocks: layers joined in the orders that published models use.

Names of sub-modules are the state-dict contract with gReLU checkpoints.
"""

from grelu_models.blocks.conv import (
    ChannelTransformBlock,
    ConvBlock,
    ConvTower,
    SeparableConv,
    Stem,
)
from grelu_models.blocks.recurrent import GRUBlock
from grelu_models.blocks.transformer import (
    FeedForwardBlock,
    LinearBlock,
    TransformerBlock,
    TransformerTower,
)
from grelu_models.blocks.unet import UnetBlock, UnetTower

__all__ = [
    "ChannelTransformBlock",
    "ConvBlock",
    "ConvTower",
    "FeedForwardBlock",
    "GRUBlock",
    "LinearBlock",
    "SeparableConv",
    "Stem",
    "TransformerBlock",
    "TransformerTower",
    "UnetBlock",
    "UnetTower",
]
