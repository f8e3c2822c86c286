"""Blocks: layers in the orders that published models use, and towers of blocks.

Class names, constructor arguments and state-dict keys are those of gReLU.

Reading order: `conv` (a convolution with its norm, activation and pooling), `tower` (a stem and
several such blocks), `transformer` and `recurrent` (layers that read the whole sequence), `unet`
(upsampling to a higher resolution). `options` only declares types.
"""

from grelu_models.blocks.conv import ChannelTransformBlock, ConvBlock, SeparableConv, Stem
from grelu_models.blocks.recurrent import GRUBlock
from grelu_models.blocks.tower import ConvTower
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
