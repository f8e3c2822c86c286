"""ExplaiNN against the description of its units by Novakovsky et al. 2023."""

import torch
from torch.nn import functional as F

from grelu_models.models import ExplaiNNModel


def normed(x, norm, unit):
    """Apply some channels of a batch norm in eval mode to x: (channels,) or (channels, L)."""
    layer = norm.layer
    shape = (-1,) + (1,) * (x.ndim - 1)
    mean, var, weight, bias = (
        value[unit].reshape(shape)
        for value in (layer.running_mean, layer.running_var, layer.weight, layer.bias)
    )
    return (x - mean) / torch.sqrt(var + layer.eps) * weight + bias


def run_unit(trunk, bases, unit):
    """Value of one unit for one sequence (4, L)."""
    first, hidden, last = trunk.blocks
    positions = hidden.conv.in_channels // first.conv.out_channels
    filtered = F.conv1d(bases[None], first.conv.weight[[unit]], first.conv.bias[[unit]])[0]
    active = torch.exp(normed(filtered, first.norm, [unit]))[0]
    pooled = torch.stack([active[7 * i : 7 * i + 7].max() for i in range(positions)])
    rows = slice(100 * unit, 100 * unit + 100)
    dense = hidden.conv.weight[rows, :, 0] @ pooled + hidden.conv.bias[rows]
    dense = normed(dense, hidden.norm, rows).relu()
    single = last.conv.weight[unit, :, 0] @ dense + last.conv.bias[unit]
    return normed(single[None], last.norm, [unit]).relu()[0]


def test_units_are_independent_and_follow_the_paper():
    torch.manual_seed(0)
    model = ExplaiNNModel(3, in_len=64, channels=5, kernel_size=9).eval()
    for name, value in model.state_dict().items():
        if "norm" in name and value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5)
    bases = F.one_hot(torch.randint(0, 4, (2, 64)), 4).float().transpose(1, 2)
    with torch.no_grad():
        units = torch.stack(
            [torch.stack([run_unit(model.embedding, one, u) for u in range(5)]) for one in bases]
        )
        head = model.head.channel_transform.conv.layer
        expected = units @ head.weight[:, :, 0].T + head.bias
        assert units.std() > 0 and expected.shape == (2, 3)
        torch.testing.assert_close(model(bases)[..., 0], expected)


def test_tensors_have_the_expected_names_and_shapes():
    state = ExplaiNNModel(3, in_len=200).state_dict()
    shapes = {name: tuple(value.shape) for name, value in state.items() if value.ndim == 3}
    assert shapes == {
        "embedding.blocks.0.conv.weight": (300, 4, 19),
        "embedding.blocks.1.conv.weight": (30_000, 26, 1),
        "embedding.blocks.2.conv.weight": (300, 100, 1),
        "head.channel_transform.conv.layer.weight": (3, 300, 1),
    }
    assert "embedding.blocks.1.norm.layer.running_var" in state
