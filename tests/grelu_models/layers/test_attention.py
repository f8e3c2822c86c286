"""Attention against direct implementations of its formulas."""

import math

import pytest
import torch

from grelu_models.layers import relative
from grelu_models.layers.attention import Attention, EnformerAttention
from grelu_models.layers.position import (
    central_mask,
    central_mask_steps,
    enformer_features,
    gamma_features,
    get_central_mask,
)
from grelu_models.layers.rotary import FlashAttention, GroupedAttention


def attend_plainly(layer, x, features, to_keys):
    """Relative attention of one sequence (L, C), as loops over heads, queries and keys."""
    length, heads = len(x), layer.n_heads
    q, k, v = ((to(x)).reshape(length, heads, -1) for to in (layer.to_q, layer.to_k, layer.to_v))
    r = to_keys(features).reshape(2 * length - 1, heads, -1)
    out = torch.zeros_like(v)
    for h in range(heads):
        for i in range(length):
            query = q[i, h] * q.shape[-1] ** -0.5
            content = query + layer.rel_content_bias[0, h, 0]
            position = query + layer.rel_pos_bias[0, h, 0]
            logits = torch.stack(
                [content @ k[j, h] + position @ r[j - i + length - 1, h] for j in range(length)]
            )
            out[i, h] = logits.softmax(0) @ v[:, h]
    return layer.to_out(out.flatten(1))


def make(kind, **changes):
    torch.manual_seed(3)
    if kind == "borzoi":
        return Attention(10, 4, 6, 2, 8, **changes).eval()
    return EnformerAttention(
        10, heads=2, dim_key=4, dim_value=6, num_rel_pos_features=12, **changes
    ).eval()


@pytest.mark.parametrize("length", [1, 2, 7, 33])
@pytest.mark.parametrize("kind", ["borzoi", "enformer"])
@pytest.mark.parametrize("queries", [1, 8, 256])
def test_attention_equals_its_formula(monkeypatch, kind, length, queries):
    monkeypatch.setattr(relative, "QUERIES", queries)
    layer = make(kind)
    x = torch.randn(2, length, 10)
    if kind == "borzoi":
        features, to_keys = central_mask(length, 8), layer.to_pos_k
    else:
        features, to_keys = enformer_features(length, 12), layer.to_rel_k
    with torch.no_grad():
        expected = torch.stack([attend_plainly(layer, one, features, to_keys) for one in x])
        torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(layer(x).detach(), expected)  # computed with gradients


def test_cached_positional_keys_follow_the_weights():
    layer = make("borzoi")
    x = torch.randn(1, 9, 10)
    with torch.inference_mode():
        before = layer(x)
        assert layer._keep_keys(9) is layer._keep_keys(9)
        layer.to_pos_k.weight.mul_(2)
        changed = layer(x)
        layer.to_pos_k.weight.mul_(0.5)
        again = layer(x)
    assert (changed - before).abs().max() > 1e-3
    torch.testing.assert_close(again, before)
    layer.load_state_dict({k: 3 * v for k, v in layer.state_dict().items()})
    with torch.inference_mode():
        assert (layer(x) - before).abs().max() > 1e-3


def test_dropout_is_active_in_training_only():
    layer = make("borzoi", attn_dropout=0.5, pos_dropout=0.5)
    x = torch.randn(1, 9, 10)
    with torch.no_grad():
        assert torch.equal(layer(x), layer(x))
        layer.train()
        assert not torch.equal(layer(x), layer(x))


@pytest.mark.parametrize("length", [1, 5, 64, 1536, 4096])
def test_steps_repeat_to_the_central_mask(length):
    mask = central_mask(length, 32)
    rows, counts = central_mask_steps(length, 32)
    assert len(rows) <= 33 and sum(counts) == 2 * length - 1
    assert torch.equal(rows.repeat_interleave(torch.tensor(counts), dim=0), mask)
    assert torch.equal(get_central_mask(torch.zeros(1, length, 3), 32), mask)


def test_central_mask_equals_values_by_hand():
    # The widths are sqrt(5) - 1 = 1.24 and 4; rows are the distances -3 ... 3.
    assert central_mask(4, 4).tolist() == [
        [0, 1, 0, -1],
        [0, 1, 0, -1],
        [1, 1, -1, -1],
        [1, 1, 0, 0],
        [1, 1, 1, 1],
        [0, 1, 0, 1],
        [0, 1, 0, 1],
    ]


def test_features_of_a_fixed_scale_do_not_depend_on_the_length():
    wide, narrow = central_mask(100, 8), central_mask(30, 8, scale=100)
    assert torch.equal(narrow, wide[70:129])
    assert not torch.equal(narrow, central_mask(30, 8))


def test_enformer_features_equal_values_by_hand():
    length, features = 16, 12
    found = enformer_features(length, features)
    assert found.shape == (31, 12)
    unsigned, signed = found[:, :6], found[:, 6:]
    assert torch.equal(signed, torch.arange(-15.0, 16.0).sign()[:, None] * unsigned)
    distance = 5.0
    half_lives = [2**3.0, 2**4.0]
    expected = [math.exp(-math.log(2) / half * distance) for half in half_lives]
    expected += [0.0, 0.0]  # widths 1 and 3
    density = []
    for mean in (8.0, 16.0):
        shape, rate = (mean / 4) ** 2, mean / 16
        log = (shape - 1) * math.log(distance) - rate * distance
        density.append(math.exp(log - math.lgamma(shape) + shape * math.log(rate)) + 1e-8)
    expected += [value / max(density) for value in density]
    torch.testing.assert_close(unsigned[15 + 5], torch.tensor(expected))


def test_tensorflows_gamma_peaks_at_one_in_every_feature():
    gamma = gamma_features(200, 5, tensorflow=True)
    assert gamma.amax(0).tolist() == [1.0] * 5
    peaks = gamma[199:].argmax(0)
    assert (peaks.diff() > 0).all()
    assert gamma_features(200, 5).amax(1).tolist() == [1.0] * 399


def rotate_plainly(vector, position, width, base):
    """Rotate the vector of one head, with complex numbers."""
    half = width // 2
    angle = position / base ** (torch.arange(half) / half)
    pairs = torch.complex(vector[:half], vector[half:width]) * torch.polar(torch.ones(half), angle)
    return torch.cat([pairs.real, pairs.imag, vector[width:]])


def attend_rotated(q, k, v, *, width, base):
    """Rotary attention of one head; q, k and v are (L, channels)."""
    q, k = (
        torch.stack([rotate_plainly(row, i, width, base) for i, row in enumerate(rows)])
        for rows in (q, k)
    )
    return torch.softmax(q @ k.T / q.shape[1] ** 0.5, dim=-1) @ v


def test_flash_attention_is_rotary_attention():
    torch.manual_seed(1)
    layer = FlashAttention(16, 2).eval()
    assert {name: tuple(value.shape) for name, value in layer.state_dict().items()} == {
        "qkv.weight": (48, 16),
        "out.weight": (16, 16),
        "out.bias": (16,),
    }
    x = torch.randn(2, 11, 16)
    with torch.no_grad():
        q, k, v = layer.qkv(x).reshape(2, 11, 3, 2, 8).unbind(2)
        heads = [
            [attend_rotated(q[n, :, h], k[n, :, h], v[n, :, h], width=8, base=1e4) for h in (0, 1)]
            for n in (0, 1)
        ]
        expected = layer.out(torch.stack([torch.cat(pair, dim=1) for pair in heads]))
        torch.testing.assert_close(layer(x), expected)


def test_grouped_attention_shares_keys_and_rotates_some_channels():
    torch.manual_seed(1)
    layer = GroupedAttention(48, 4, rotary_dim=8).eval()
    assert layer.Wqkv.weight.shape == (48 + 2 * 2 * 12, 48) and layer.Wqkv.bias.shape == (96,)
    x = torch.randn(1, 9, 48)
    with torch.no_grad():
        joined = layer.Wqkv(x)[0]
        q = joined[:, :48].reshape(9, 4, 12)
        k, v = joined[:, 48:72].reshape(9, 2, 12), joined[:, 72:].reshape(9, 2, 12)
        heads = [
            attend_rotated(q[:, h], k[:, h // 2], v[:, h // 2], width=8, base=2e4) for h in range(4)
        ]
        torch.testing.assert_close(layer(x)[0], layer.out_proj(torch.cat(heads, dim=1)))
