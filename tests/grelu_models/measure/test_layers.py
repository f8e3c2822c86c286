"""Our architectures: what their layers tell equals what a measurement of any module finds."""

import random
from contextlib import suppress

import pytest
import torch

from grelu_models.checkpoint import build_model
from grelu_models.errors import ModelError
from grelu_models.measure.grid import find_grid
from grelu_models.measure.influence import Influence
from grelu_models.measure.layers import read_geometry, read_reach
from grelu_models.measure.reach import find_reach


def draw_conv(draw: random.Random) -> dict:
    pool = draw.choice([None, "max", "avg", "attn"])
    return {
        "model_type": "ConvModel",
        "stem_channels": 4,
        "stem_kernel_size": draw.randint(1, 15),
        "n_conv": draw.randint(1, 4),
        "channel_init": 4,
        "kernel_size": draw.randint(1, 7),
        "dilation_init": draw.randint(1, 2),
        "dilation_mult": draw.randint(1, 3),
        "pool_func": pool,
        **({"pool_size": draw.choice([2, 3, 4, 5])} if pool else {}),
        "crop_len": draw.choice([0, 0, 1, 3]),
        "residual": draw.random() < 0.3,
        "act_func": draw.choice(["relu", "gelu", "elu"]),
        "norm": draw.random() < 0.5,
    }


def draw_dilated(draw: random.Random) -> dict:
    return {
        "model_type": "DilatedConvModel",
        "channels": 4,
        "n_conv": draw.randint(1, 5),
        "kernel_size": draw.randint(1, 6),
        "stem_kernel_size": draw.randint(3, 21),
        "crop_len": draw.choice([0, 2, "auto"]),
    }


def draw_borzoi(draw: random.Random) -> dict:
    return {
        "model_type": "BorzoiModel",
        "stem_channels": 4,
        "init_channels": 32,
        "channels": 64,
        "n_transformers": draw.choice([0, 0, 1]),
        "crop_len": draw.choice([0, 2]),
    }


def draw_enformer(draw: random.Random) -> dict:
    return {
        "model_type": "EnformerModel",
        "channels": 384,
        "n_conv": 3,
        "n_transformers": draw.choice([0, 0, 1]),
        "n_heads": 4,
        "crop_len": draw.choice([0, 3]),
    }


def draw_recurrent(draw: random.Random) -> dict:
    return {
        "model_type": draw.choice(["ConvGRUModel", "ConvTransformerModel"]),
        "stem_channels": 4,
        "channel_init": 4,
        "n_conv": 2,
        "pool_func": "max",
        "pool_size": 3,
    }


DRAWN = [*[draw_conv] * 24, *[draw_dilated] * 8, *[draw_borzoi] * 4, draw_enformer, draw_recurrent]


@pytest.mark.parametrize("seed", range(len(DRAWN)))
def test_both_ways_of_measuring_agree(seed):
    draw = random.Random(seed)
    torch.manual_seed(seed)
    drawn = {"n_tasks": 2, "final_pool_func": None, **DRAWN[seed](draw)}
    model = build_model(drawn).eval()
    window = draw.choice([1024, 2048] if drawn["model_type"] == "BorzoiModel" else [240, 720, 2048])
    influence = Influence(model, window)
    try:
        geometry = read_geometry(model, window)
    except ModelError:
        with suppress(ModelError):  # one bin counts as one value per window
            assert find_grid(influence, bin=None).geometry.bin is None
        return
    grid = find_grid(influence, bin=None)
    assert grid.geometry == geometry
    expected = read_reach(model, window)
    found = influence.ask(lambda asked: find_reach(asked, geometry, period=grid.period))
    farthest = (geometry.length - 1 + geometry.crop) * geometry.bin
    if expected is None or max(expected[0], expected[2]) >= farthest:
        assert found is None  # all outputs read the first or the last base
    else:
        assert found == (expected[0], expected[2])
