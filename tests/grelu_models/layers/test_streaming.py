"""A module run on pieces of a sequence gives the values of a run on the whole."""

import pytest
import torch
from torch import nn

from grelu_models.blocks import ConvBlock, Stem
from grelu_models.layers import make_conv, streaming
from grelu_models.layers.streaming import stream


def count_lengths(block: nn.Module) -> list[int]:
    """Return a list to which every later call of the block adds the length of its input."""
    lengths = []
    block.register_forward_pre_hook(lambda _, args: lengths.append(args[0].shape[-1]))
    return lengths


BLOCKS = {
    "stem": lambda: Stem(6, 15, pool_func="max", pool_size=2),
    "even kernel": lambda: ConvBlock(4, 6, 4, dilation=3, residual=True),
    "pre-activated": lambda: ConvBlock(4, 6, 5, order="NACDR", pool_func="avg", pool_size=3),
    "enformer": lambda: nn.Sequential(
        make_conv(4, 6, 15), ConvBlock(6, 6, 1, order="NACDR", pool_func="attn", pool_size=2)
    ),
    "plain": lambda: ConvBlock(4, 6, 3),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_pieces_give_the_values_of_the_whole(monkeypatch, name):
    monkeypatch.setattr(streaming, "PIECE", 6 * 1000)
    torch.manual_seed(0)
    block = BLOCKS[name]().eval()
    for tensor in block.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) + 0.1)
    x = torch.randn(2, 4, 4998)
    whole = block(x).detach()
    lengths = count_lengths(block)
    with torch.inference_mode():
        found = stream(block, x)
    assert len(lengths) >= 2 * 5 and max(lengths) < 1200
    torch.testing.assert_close(found, whole)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ConvBlock(
            4, 4, 3, norm_type="instance", norm_kwargs={"track_running_stats": False}
        ),
        lambda: nn.Sequential(make_conv(4, 4, 3), nn.AdaptiveAvgPool1d(1)),
    ],
)
def test_modules_that_read_all_positions_run_whole(monkeypatch, make):
    monkeypatch.setattr(streaming, "PIECE", 4 * 100)
    block = make().eval()
    lengths = count_lengths(block)
    x = torch.randn(1, 4, 5000)
    with torch.inference_mode():
        torch.testing.assert_close(stream(block, x), block(x))
    assert lengths == [5000, 5000]


def test_training_and_incomplete_bins_run_whole(monkeypatch):
    monkeypatch.setattr(streaming, "PIECE", 4 * 100)
    block = BLOCKS["pre-activated"]()
    lengths = count_lengths(block)
    stream(block, torch.randn(1, 4, 4998))
    block.eval()
    with torch.inference_mode():
        stream(block, torch.randn(1, 4, 4999))
    assert lengths == [4998, 4999]
