"""Architectures that are compared with gReLU, and weights and inputs that any torch makes alike."""

import torch
from torch import Tensor, nn

CASES: dict[str, dict] = {
    "stem alone": {"model_type": "ConvModel", "n_tasks": 2, "n_conv": 1},
    "defaults": {"model_type": "ConvModel", "n_tasks": 3},
    "channels grow": {"model_type": "ConvModel", "n_tasks": 1, "n_conv": 4, "channel_mult": 1.7},
    "pooled bins": {
        "model_type": "ConvModel",
        "n_tasks": 2,
        "n_conv": 3,
        "pool_func": "max",
        "pool_size": 2,
        "crop_len": 4,
        "norm": True,
        "final_pool_func": None,
    },
    "residual with channel change": {
        "model_type": "ConvModel",
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
    "attention pooling": {
        "model_type": "ConvModel",
        "n_tasks": 1,
        "n_conv": 3,
        "pool_func": "attn",
        "pool_size": 2,
        "act_func": "gelu_enformer",
        "final_pool_func": None,
    },
    "even kernel, dilation": {
        "model_type": "ConvModel",
        "n_tasks": 1,
        "n_conv": 4,
        "kernel_size": 4,
        "dilation_init": 2,
        "dilation_mult": 1.5,
        "crop_len": "auto",
        "act_func": "elu",
        "final_pool_func": None,
    },
    "dilated defaults": {"model_type": "DilatedConvModel", "n_tasks": 2, "n_conv": 4},
    "dilated, one value a base": {
        "model_type": "DilatedConvModel",
        "n_tasks": 1,
        "n_conv": 5,
        "kernel_size": 5,
        "dilation_mult": 1.5,
        "act_func": "softplus",
        "final_pool_func": None,
    },
    "dilated, no crop": {
        "model_type": "DilatedConvModel",
        "n_tasks": 4,
        "n_conv": 2,
        "crop_len": 0,
        "final_pool_func": "avg",
    },
}
SMALL = {
    "ConvModel": {"stem_channels": 6, "channel_init": 5},
    "DilatedConvModel": {"channels": 6},
}
LENGTH = 192


def arguments(name: str) -> tuple[str, dict]:
    """Class name and constructor arguments of a case."""
    case = dict(CASES[name])
    kind = case.pop("model_type")
    return kind, {**SMALL[kind], **case}


def fill_weights(model: nn.Module) -> None:
    """Fill every tensor with numbers that follow from its name and shape alone."""
    for i, (name, tensor) in enumerate(sorted(model.state_dict().items())):
        if not tensor.is_floating_point():
            continue
        wave = torch.sin(torch.arange(tensor.numel(), dtype=torch.float64) * 0.7 + i)
        scale = tensor[0].numel() ** -0.5 if tensor.ndim > 1 else 0.3
        positive = name.endswith("running_var") or "norm.layer.weight" in name
        values = (1 + 0.3 * wave) if positive else wave * scale
        tensor.copy_(values.reshape(tensor.shape).to(tensor.dtype))


def one_hot(length: int = LENGTH) -> Tensor:
    """(2, 4, length): a fixed sequence with some N."""
    positions = torch.arange(2 * length).reshape(2, 1, length)
    codes = (positions**3 // 11 + positions) % 9 % 5
    return (codes == torch.arange(4)[:, None]).float()
