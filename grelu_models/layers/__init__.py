"""Layers: the smallest pieces of a model.

Names and signatures are gReLU's; the names of wrapped modules (`norm.layer.weight`) are the
state-dict contract with its checkpoints.
"""

from grelu_models.layers.attention import Attention, EnformerAttention
from grelu_models.layers.basic import (
    Activation,
    AdaptivePool,
    AttentionPool,
    ChannelTransform,
    Crop,
    Dropout,
    Norm,
    PointwiseConv,
    Pool,
    make_conv,
)
from grelu_models.layers.rotary import FlashAttention, GroupedAttention

__all__ = [
    "Activation",
    "AdaptivePool",
    "Attention",
    "AttentionPool",
    "ChannelTransform",
    "Crop",
    "Dropout",
    "EnformerAttention",
    "FlashAttention",
    "GroupedAttention",
    "Norm",
    "PointwiseConv",
    "Pool",
    "make_conv",
]
