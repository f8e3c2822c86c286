"""Layers: the smallest pieces of a model.

Class names, constructor arguments and state-dict keys are those of gReLU, so that its checkpoints
load. Every constructor that creates weights takes torch's `dtype` and `device`.

Reading order: `types` (declarations only); `activation`, `conv`, `pooling`, `norm` and `crop`;
`position` (features of distances), `relative` (attention with any of them) and `attention`
(Borzoi's and Enformer's); `rotary` (attention of gReLU and Flashzoi with rotary positions);
`streaming` (long sequences in pieces).
"""

from grelu_models.layers.activation import Activation
from grelu_models.layers.attention import Attention, EnformerAttention
from grelu_models.layers.conv import ChannelTransform, PointwiseConv, make_conv
from grelu_models.layers.crop import Crop
from grelu_models.layers.norm import Dropout, Norm
from grelu_models.layers.pooling import AdaptivePool, AttentionPool, Pool
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
