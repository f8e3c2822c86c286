"""Every architecture gives the outputs that gReLU 1.1.0 gave (references.json), and its keys."""

import json
import sys
from pathlib import Path

import pytest
import torch

from grelu_models import models
from grelu_models.errors import ModelError
from grelu_models.layers import Activation, AttentionPool, Crop, Norm, Pool

sys.path.insert(0, str(Path(__file__).parents[1] / "oracles"))
from cases import CASES, arguments, fill_weights, one_hot

REFERENCES = json.loads((Path(__file__).parent / "references.json").read_text())


@pytest.mark.parametrize("name", CASES)
def test_outputs_and_keys_equal_grelus(name):
    kind, settings = arguments(name)
    model = getattr(models, kind)(**settings).eval()
    reference = REFERENCES[name]
    state = {key: list(value.shape) for key, value in model.state_dict().items()}
    assert state == reference["state"]
    fill_weights(model)
    with torch.inference_mode():
        output = model(one_hot())
    assert list(output.shape) == reference["shape"]
    expected = torch.tensor(reference["last_track"])
    assert expected.std() > 0
    assert (output[:, -1] - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_attention_pooling_gives_padding_no_weight():
    pool = AttentionPool(3, pool_size=4)
    x = torch.randn(2, 3, 10, generator=torch.Generator().manual_seed(0))
    weights = torch.softmax(2 * x[..., 8:], dim=-1)
    torch.testing.assert_close(pool(x)[..., 2], (x[..., 8:] * weights).sum(-1))
    weights = torch.softmax(2 * x[..., :4], dim=-1)
    torch.testing.assert_close(pool(x)[..., 0], (x[..., :4] * weights).sum(-1))


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
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ModelError, match=message):
        make()
