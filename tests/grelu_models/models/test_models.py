"""Every class has the outputs and state-dict keys of gReLU 1.1.0, stored in references.json."""

import json
from pathlib import Path

import pytest
import torch

from cases import CASES, build, inputs, outputs, sample
from grelu_models import models
from grelu_models.blocks import ConvBlock, TransformerBlock
from grelu_models.errors import ModelError
from grelu_models.layers import Activation, AttentionPool, Crop, Norm, PointwiseConv, Pool

REFERENCES = json.loads((Path(__file__).parents[1] / "references.json").read_text())


@pytest.mark.parametrize("case", CASES)
def test_outputs_and_keys_equal_those_of_grelu(case):
    model = build(case, "grelu_models")
    reference = REFERENCES[case]
    state = {key: list(value.shape) for key, value in model.state_dict().items()}
    assert state == reference["state"]
    with torch.inference_mode():
        found = outputs(model(*inputs(case)))
    assert [list(output.shape) for output in found] == reference["shapes"]
    for output, values in zip(found, reference["values"], strict=True):
        expected = torch.tensor(values)
        assert expected.std() > 0
        assert (sample(output) - expected).abs().max() <= 1e-5 * expected.abs().max()


@pytest.mark.parametrize("case", CASES)
def test_every_tensor_affects_the_output(case):
    model = build(case, "grelu_models")
    with torch.inference_mode():
        whole = outputs(model(*inputs(case)))[0]
        for name, tensor in model.state_dict().items():
            kept = tensor.clone()
            tensor.zero_()
            moved = (outputs(model(*inputs(case)))[0] - whole).abs().max()
            tensor.copy_(kept)
            assert moved > 1e-4 * whole.abs().max() or not tensor.is_floating_point(), name


@pytest.mark.parametrize("case", [case for case, (path, _, _) in CASES.items() if "odel" in path])
def test_values_with_and_without_gradients_agree(case):
    model = build(case, "grelu_models")
    with torch.inference_mode():
        quick = model(*inputs(case)).clone()
    slow = model(*inputs(case))
    assert (slow - quick).abs().max() <= 1e-5 * quick.abs().max()
    slow.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    assert sum(p.grad is not None for p in model.parameters()) == len(list(model.parameters()))


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("case", ["BorzoiModel", "EnformerModel", "ConvTransformerModel"])
def test_lower_precision_is_close(case, kind):
    model, given = build(case, "grelu_models"), inputs(case)
    with torch.inference_mode():
        exact = model(*given)
        with torch.autocast("cpu", kind):
            found = model(*given)
    assert found.dtype == kind
    assert 0 < (found.float() - exact).abs().max() <= 0.1 * exact.abs().max()


def test_pointwise_convolution_equals_a_convolution():
    layer = PointwiseConv(5, 3, 1)
    x = torch.randn(2, 5, 7)
    torch.testing.assert_close(layer(x), torch.nn.functional.conv1d(x, layer.weight, layer.bias))
    bare = PointwiseConv(5, 3, 1, bias=False)
    torch.testing.assert_close(bare(x), torch.nn.functional.conv1d(x, bare.weight))


@pytest.mark.parametrize("size", [2, 4])
def test_attention_pooling_gives_padding_no_weight(size):
    pool = AttentionPool(3, pool_size=size)
    length = 2 * size + 1
    x = torch.randn(2, 3, length, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(pool(x)[..., 2], x[..., 2 * size])
    weights = torch.softmax(2 * x[..., :size], dim=-1)
    torch.testing.assert_close(pool(x)[..., 0], (x[..., :size] * weights).sum(-1))


def test_crop_drops_both_ends():
    x = torch.arange(10.0).reshape(1, 1, 10)
    assert Crop(3)(x).tolist() == [[[3, 4, 5, 6]]]
    assert Crop("auto", receptive_field=5)(x).tolist() == [[[2, 3, 4, 5, 6, 7]]]
    assert Crop(0)(x) is not None and Crop(0)(x).shape == x.shape


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Activation("rellu"), "unknown activation 'rellu': use one of relu, elu"),
        (lambda: Pool("max"), "pooling 'max' needs pool_size"),
        (lambda: Pool("sum", 2), "unknown pooling 'sum': use one of avg, max, attn"),
        (lambda: Norm("batch"), "normalisation 'batch' needs in_dim"),
        (
            lambda: ConvBlock(4, 4, 3, order="CDNR"),
            "order must contain each of the letters CDNRA once, not 'CDNR'",
        ),
        (
            lambda: TransformerBlock(8, 2, 0.0, 0.0, False, key_len=4),
            "relative positions needs n_pos_features, key_len and value_len",
        ),
        (lambda: Crop(-1), "crop_len must be 'auto' or a number of positions"),
        (lambda: Crop("auto"), "crop_len 'auto' needs a receptive field"),
        (
            lambda: Crop(5)(torch.zeros(1, 1, 10)),
            "cropping 5 positions at each end leaves nothing of 10",
        ),
        (
            lambda: models.ConvModel(n_tasks=1, pool_func="max", pool_size=2, crop_len="three"),
            "crop_len must be",
        ),
        (lambda: models.BorzoiModel(1, n_conv=2), "n_conv must be at least 3"),
        (lambda: models.EnformerModel(1, n_conv=2), "n_conv must not be 2"),
        (
            lambda: models.ExplaiNNModel(1, in_len=24),
            "in_len 24 is too short for filters of 19 bp pooled by 7: it must be at least 25",
        ),
        (
            lambda: models.BorzoiModel(1, channels=64, n_heads=3, flash_attn=True),
            "64 channels cannot be split into 3 heads with an even number of channels",
        ),
        (
            lambda: models.EnformerModel(1, channels=256, n_heads=8, n_conv=3),
            "multiple of 6 positional features, not 32: choose channels and n_heads",
        ),
    ],
)
def test_invalid_arguments_are_named(make, message):
    with pytest.raises(ModelError, match=message):
        make()
