"""Random architectures give gReLU's own outputs; skipped where gReLU is not installed."""

import random

import pytest
import torch

from grelu_models import models

oracle = pytest.importorskip("grelu.model.models", reason="gReLU 1.1.0 is not installed")


def draw(seed: int) -> tuple[str, dict]:
    """A random architecture."""
    rng = random.Random(seed)
    if seed % 2:
        return "DilatedConvModel", {
            "n_tasks": rng.choice([1, 3, 4]),
            "channels": rng.choice([4, 8]),
            "stem_kernel_size": rng.choice([7, 8, 21]),
            "kernel_size": rng.choice([3, 5]),
            "dilation_mult": rng.choice([1, 1.5, 2]),
            "act_func": rng.choice(["relu", "gelu", "elu"]),
            "n_conv": rng.choice([1, 2, 5]),
            "crop_len": rng.choice(["auto", 0, 3]),
            "final_pool_func": rng.choice(["avg", "max", None]),
        }
    pool = rng.choice(["avg", "max", "attn", None])
    return "ConvModel", {
        "n_tasks": rng.choice([1, 3, 8]),
        "stem_channels": rng.choice([4, 8]),
        "stem_kernel_size": rng.choice([7, 8, 15]),
        "n_conv": rng.choice([1, 2, 4]),
        "channel_init": rng.choice([4, 6, 8]),
        "channel_mult": rng.choice([1, 1.5, 2]),
        "kernel_size": rng.choice([3, 4, 5]),
        "dilation_init": rng.choice([1, 2]),
        "dilation_mult": rng.choice([1, 1.5, 2]),
        "act_func": rng.choice(["relu", "gelu_borzoi", "gelu_enformer", "softplus"]),
        "norm": rng.choice([True, False]),
        "pool_func": pool,
        # gReLU's attention pooling pads for pairs only.
        "pool_size": 2 if pool == "attn" else rng.choice([2, 3]) if pool else None,
        "residual": rng.choice([True, False]),
        "dropout": rng.choice([0, 0.2]),
        "crop_len": rng.choice([0, 2]) if pool else rng.choice([0, "auto"]),
        "final_pool_func": rng.choice(["avg", "max", None]),
    }


@pytest.mark.parametrize("seed", range(60))
def test_outputs_and_state_dict_equal_grelus(seed):
    kind, settings = draw(seed)
    torch.manual_seed(seed)
    theirs = getattr(oracle, kind)(**settings).eval()
    ours = getattr(models, kind)(**settings).eval()
    for name, value in theirs.state_dict().items():
        if "norm" in name and value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5)
    shapes = {name: value.shape for name, value in theirs.state_dict().items()}
    assert {name: value.shape for name, value in ours.state_dict().items()} == shapes
    ours.load_state_dict(theirs.state_dict(), strict=True)
    codes = torch.randint(0, 4, (2, 1, random.Random(seed).choice([600, 603])))
    x = (codes == torch.arange(4)[:, None]).float()
    with torch.inference_mode():
        expected, found = theirs(x), ours(x)
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()
