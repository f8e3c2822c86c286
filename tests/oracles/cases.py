"""Cases to compare with gReLU, and weights and inputs that do not depend on the torch version."""

from importlib import import_module

import torch
from torch import Tensor, nn

SMALL_BORZOI = {
    "n_tasks": 3,
    "stem_channels": 8,
    "init_channels": 32,
    "channels": 64,
    "n_conv": 4,
    "n_transformers": 2,
    "key_len": 6,
    "value_len": 10,
    "n_heads": 2,
    "n_pos_features": 8,
}
SMALL_ENFORMER = {
    "n_tasks": 2,
    "channels": 384,
    "n_conv": 3,
    "n_transformers": 2,
    "n_heads": 4,
    "key_len": 6,
}
SMALL_CONV = {"stem_channels": 6, "channel_init": 5}
POOLED = {"pool_func": "max", "pool_size": 2}

# name: (class, arguments, input)
CASES: dict[str, tuple[str, dict, object]] = {
    "Activation": ("layers.Activation", {"func": "gelu_borzoi"}, (2, 3, 8)),
    "Activation of Enformer": ("layers.Activation", {"func": "gelu_enformer"}, (2, 3, 8)),
    "Pool": ("layers.Pool", {"func": "avg", "pool_size": 3}, (2, 3, 8)),
    "Pool by attention": (
        "layers.Pool",
        {"func": "attn", "pool_size": 2, "in_channels": 3},
        (2, 3, 9),
    ),
    "AdaptivePool": ("layers.AdaptivePool", {"func": "max"}, (2, 3, 8)),
    "Norm": ("layers.Norm", {"func": "batch", "in_dim": 3}, (2, 3, 8)),
    "Norm over the last axis": ("layers.Norm", {"func": "layer", "in_dim": 8}, (2, 3, 8)),
    "Norm by instance": ("layers.Norm", {"func": "instance", "in_dim": 3}, (2, 3, 8)),
    "Dropout": ("layers.Dropout", {"p": 0.5}, (2, 3, 8)),
    "ChannelTransform": (
        "layers.ChannelTransform",
        {"in_channels": 3, "out_channels": 5},
        (2, 3, 8),
    ),
    "Crop": ("layers.Crop", {"crop_len": "auto", "receptive_field": 5}, (2, 3, 8)),
    "Attention": (
        "layers.Attention",
        {"in_len": 12, "key_len": 4, "value_len": 6, "n_heads": 3, "n_pos_features": 6},
        (2, 21, 12),
    ),
    "LinearBlock": ("blocks.LinearBlock", {"in_len": 6, "out_len": 4, "norm": True}, (2, 5, 6)),
    "ConvBlock": (
        "blocks.ConvBlock",
        {"in_channels": 4, "out_channels": 6, "kernel_size": 4, "dilation": 2, "residual": True},
        (2, 4, 20),
    ),
    "ConvBlock, pre-activated": (
        "blocks.ConvBlock",
        {
            "in_channels": 4,
            "out_channels": 6,
            "kernel_size": 1,
            "order": "NACDR",
            "return_pre_pool": True,
            **POOLED,
        },
        (2, 4, 20),
    ),
    "ChannelTransformBlock": (
        "blocks.ChannelTransformBlock",
        {"in_channels": 4, "out_channels": 4, "norm": True, "order": "NACD", "if_equal": True},
        (2, 4, 9),
    ),
    "Stem": ("blocks.Stem", {"out_channels": 5, "kernel_size": 6, **POOLED}, "bases"),
    "SeparableConv": ("blocks.SeparableConv", {"in_channels": 5, "kernel_size": 3}, (2, 5, 9)),
    "ConvTower": (
        "blocks.ConvTower",
        {"stem_channels": 6, "stem_kernel_size": 7, "n_blocks": 4, "channel_mult": 1.5, **POOLED},
        "bases",
    ),
    "FeedForwardBlock": ("blocks.FeedForwardBlock", {"in_len": 6}, (2, 5, 6)),
    "GRUBlock": ("blocks.GRUBlock", {"in_channels": 5, "n_layers": 2}, (2, 5, 9)),
    "TransformerBlock": (
        "blocks.TransformerBlock",
        {
            "in_len": 12,
            "n_heads": 2,
            "attn_dropout": 0.1,
            "ff_dropout": 0.1,
            "flash_attn": False,
            "n_pos_features": 8,
            "key_len": 4,
            "value_len": 5,
            "pos_dropout": 0.1,
        },
        (2, 17, 12),
    ),
    "TransformerTower": (
        "blocks.TransformerTower",
        {"in_channels": 12, "n_blocks": 2, "n_heads": 2, "key_len": 4, "value_len": 5},
        (2, 12, 17),
    ),
    "UnetBlock": (
        "blocks.UnetBlock",
        {"in_channels": 6, "y_in_channels": 4},
        [(2, 6, 5), (2, 4, 10)],
    ),
    "UnetTower": (
        "blocks.UnetTower",
        {"in_channels": 6, "y_in_channels": [6, 4], "n_blocks": 2},
        [(2, 6, 5), ((2, 6, 10), (2, 4, 20))],
    ),
    "ConvTrunk": ("trunks.ConvTrunk", {**SMALL_CONV, "n_conv": 3, "norm": True}, "bases"),
    "DilatedConvTrunk": ("trunks.DilatedConvTrunk", {"channels": 6, "n_conv": 4}, "bases"),
    "ConvGRUTrunk": ("trunks.ConvGRUTrunk", {**SMALL_CONV, **POOLED, "n_conv": 3}, "bases"),
    "ConvTransformerTrunk": ("trunks.ConvTransformerTrunk", {**SMALL_CONV, **POOLED}, "bases"),
    "BorzoiConvTower": (
        "trunks.borzoi.BorzoiConvTower",
        {
            "stem_channels": 8,
            "stem_kernel_size": 15,
            "init_channels": 32,
            "out_channels": 64,
            "kernel_size": 5,
            "n_blocks": 4,
        },
        "bases",
    ),
    "BorzoiTrunk": (
        "trunks.borzoi.BorzoiTrunk",
        {
            **{key: value for key, value in SMALL_BORZOI.items() if key != "n_tasks"},
            "stem_kernel_size": 15,
            "kernel_size": 5,
            "pos_dropout": 0.1,
            "attn_dropout": 0.1,
            "ff_dropout": 0.1,
            "crop_len": 2,
            "flash_attn": False,
        },
        "bases",
    ),
    "EnformerConvTower": (
        "trunks.enformer.EnformerConvTower",
        {"n_blocks": 3, "out_channels": 256},
        "bases",
    ),
    "EnformerTransformerBlock": (
        "trunks.enformer.EnformerTransformerBlock",
        {
            "in_len": 24,
            "n_heads": 2,
            "key_len": 4,
            "attn_dropout": 0.1,
            "pos_dropout": 0.1,
            "ff_dropout": 0.1,
        },
        (2, 19, 24),
    ),
    "EnformerTransformerTower": (
        "trunks.enformer.EnformerTransformerTower",
        {
            "in_channels": 24,
            "n_blocks": 2,
            "n_heads": 2,
            "key_len": 4,
            "attn_dropout": 0.1,
            "pos_dropout": 0.1,
            "ff_dropout": 0.1,
        },
        (2, 24, 19),
    ),
    "EnformerTrunk": (
        "trunks.enformer.EnformerTrunk",
        {key: value for key, value in SMALL_ENFORMER.items() if key != "n_tasks"},
        "bases",
    ),
    "ConvHead": ("heads.ConvHead", {"n_tasks": 3, "in_channels": 5, "norm": True}, (2, 5, 9)),
    "MLPHead": (
        "heads.MLPHead",
        {"n_tasks": 3, "in_channels": 5, "in_len": 9, "hidden_size": [7, 4], "act_func": "relu"},
        (2, 5, 9),
    ),
    "ConvModel, stem alone": (
        "models.ConvModel",
        {**SMALL_CONV, "n_tasks": 2, "n_conv": 1},
        "bases",
    ),
    "ConvModel, defaults": ("models.ConvModel", {**SMALL_CONV, "n_tasks": 3}, "bases"),
    "ConvModel, channels grow": (
        "models.ConvModel",
        {**SMALL_CONV, "n_tasks": 1, "n_conv": 4, "channel_mult": 1.7},
        "bases",
    ),
    "ConvModel, pooled bins": (
        "models.ConvModel",
        {
            **SMALL_CONV,
            **POOLED,
            "n_tasks": 2,
            "n_conv": 3,
            "crop_len": 4,
            "norm": True,
            "final_pool_func": None,
        },
        "bases",
    ),
    "ConvModel, residual with channel change": (
        "models.ConvModel",
        {
            **SMALL_CONV,
            "n_tasks": 2,
            "n_conv": 4,
            "channel_mult": 1.5,
            "residual": True,
            "norm": True,
            "pool_func": "avg",
            "pool_size": 3,
            "act_func": "gelu_borzoi",
            "dropout": 0.3,
            "final_pool_func": "max",
        },
        "bases",
    ),
    "ConvModel, attention pooling": (
        "models.ConvModel",
        {
            **SMALL_CONV,
            "n_tasks": 1,
            "n_conv": 3,
            "pool_func": "attn",
            "pool_size": 2,
            "act_func": "gelu_enformer",
            "final_pool_func": None,
        },
        "bases",
    ),
    "ConvModel, even kernel, dilation": (
        "models.ConvModel",
        {
            **SMALL_CONV,
            "n_tasks": 1,
            "n_conv": 4,
            "kernel_size": 4,
            "dilation_init": 2,
            "dilation_mult": 1.5,
            "crop_len": "auto",
            "act_func": "elu",
            "final_pool_func": None,
        },
        "bases",
    ),
    "DilatedConvModel": (
        "models.DilatedConvModel",
        {"channels": 6, "n_tasks": 2, "n_conv": 4},
        "bases",
    ),
    "DilatedConvModel, one value a base": (
        "models.DilatedConvModel",
        {
            "channels": 6,
            "n_tasks": 1,
            "n_conv": 5,
            "kernel_size": 5,
            "dilation_mult": 1.5,
            "act_func": "softplus",
            "final_pool_func": None,
        },
        "bases",
    ),
    "DilatedConvModel, no crop": (
        "models.DilatedConvModel",
        {"channels": 6, "n_tasks": 4, "n_conv": 2, "crop_len": 0},
        "bases",
    ),
    "ConvGRUModel": (
        "models.ConvGRUModel",
        {**SMALL_CONV, **POOLED, "n_tasks": 2, "n_gru": 2, "conv_norm": True, "crop_len": 3},
        "bases",
    ),
    "ConvTransformerModel": (
        "models.ConvTransformerModel",
        {
            **SMALL_CONV,
            **POOLED,
            "n_tasks": 2,
            "n_conv": 4,
            "n_transformers": 2,
            "n_heads": 2,
            "final_pool_func": None,
        },
        "bases",
    ),
    "ConvMLPModel": (
        "models.ConvMLPModel",
        {
            **SMALL_CONV,
            **POOLED,
            "seq_len": 192,
            "n_tasks": 2,
            "n_conv": 4,
            "conv_norm": True,
            "mlp_norm": True,
            "mlp_hidden_size": [9, 6],
        },
        "bases",
    ),
    "BorzoiModel": (
        "models.BorzoiModel",
        {**SMALL_BORZOI, "crop_len": 3, "final_pool_func": None},
        "bases",
    ),
    "BorzoiModel, pooled": ("models.BorzoiModel", SMALL_BORZOI | {"crop_len": 1}, "bases"),
    "EnformerModel": (
        "models.EnformerModel",
        {**SMALL_ENFORMER, "crop_len": 2, "final_pool_func": None},
        "bases",
    ),
}
LENGTH = 192


def build(case: str, package: str) -> nn.Module:
    """Build a case, with filled weights, of `grelu_models` or of gReLU (`grelu.model`)."""
    path, arguments, _ = CASES[case]
    module, _, name = path.rpartition(".")
    built = getattr(import_module(f"{package}.{module}"), name)(**arguments).eval()
    fill_weights(built.state_dict())
    return built


def inputs(case: str) -> list:
    """The arguments of the forward pass of a case."""
    given = CASES[case][2]
    if given == "bases":
        return [make_bases(LENGTH)]
    shapes = given if isinstance(given, list) else [given]
    return [_noise(shape) for shape in shapes]


def outputs(result: Tensor | tuple[Tensor, ...]) -> list[Tensor]:
    """The result of a forward pass as a list of tensors."""
    return list(result) if isinstance(result, tuple) else [result]


def sample(output: Tensor, count: int = 40) -> Tensor:
    """About `count` values, evenly spread over an output."""
    flat = output.flatten()
    return flat[:: max(1, len(flat) // count - 1)]


def _noise(shape) -> Tensor | list[Tensor]:
    if isinstance(shape[0], tuple):
        return [_noise(inner) for inner in shape]
    return draw_noise(torch.Size(shape).numel(), seed=-2).reshape(shape)


def draw_noise(count: int, seed: int) -> Tensor:
    """Numbers from -1 to 1 without a pattern, from integer arithmetic only."""
    x = torch.arange(count) + 1_000_003 * seed
    for factor in (1_640_531_513, 1_402_024_253, 1_103_515_245):
        x = (x * factor) & 0x7FFFFFFF
        x = x ^ (x >> 15)
    return (x.double() / 2**30 - 1).float()


def fill_weights(state: dict[str, Tensor]) -> None:
    """Fill a state dict with numbers that follow from names and shapes only.

    The outputs of every layer stay of order 1, so that all layers influence the output of a model.
    """
    for i, (name, tensor) in enumerate(sorted(state.items())):
        if not tensor.is_floating_point():
            continue
        noise = draw_noise(tensor.numel(), seed=i).reshape(tensor.shape)
        if name.endswith("running_var") or (tensor.ndim == 1 and name.endswith("weight")):
            tensor.copy_(1 + 0.5 * noise)
        elif name.endswith("weight"):
            tensor.copy_(noise * (3 / tensor[0].numel()) ** 0.5)
        else:
            tensor.copy_(0.3 * noise)


def make_bases(length: int) -> Tensor:
    """Make one-hot bases (2, 4, length), with some N."""
    codes = ((draw_noise(2 * length, seed=-1) + 1) * 2.1).long().reshape(2, 1, length)
    return (codes == torch.arange(4)[:, None]).float()
