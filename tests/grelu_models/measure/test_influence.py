"""Modules that block NaN, and programs."""

import pytest
import torch
from torch import nn

from grelu_models.errors import ModelError
from grelu_models.measure import measure_model


class Tokens(nn.Module):
    """Looks up a vector for each base, then computes with a flank of 5 bp."""

    def __init__(self, read) -> None:
        super().__init__()
        self.read, self.table = read, nn.Embedding(4, 8)
        self.net = nn.Sequential(
            nn.Conv1d(8, 8, 5, padding=2), nn.GELU(), nn.Conv1d(8, 2, 7, padding=3)
        )

    def forward(self, x):
        return self.net(self.table(self.read(x)).mT)


class Partly(Tokens):
    """Adds a path on which NaN passes, with a smaller flank."""

    def __init__(self) -> None:
        super().__init__(lambda x: x.argmax(1))
        self.path = nn.Conv1d(4, 2, 3, padding=1)

    def forward(self, x):
        return super().forward(x) + self.path(x)


class Checked(nn.Conv1d):
    """Refuses NaN."""

    def forward(self, x):
        assert torch.isfinite(x).all()
        return super().forward(x)


@pytest.mark.parametrize(
    ("model", "flank"),
    [
        (Tokens(lambda x: x.argmax(1)), 5),
        (Tokens(lambda x: (x * torch.arange(4)[None, :, None]).sum(1).long()), 5),
        (Partly(), 5),
        (nn.Sequential(nn.Threshold(-1, 0), Checked(4, 2, 5, padding=2)), 2),
        (Checked(4, 2, 9, padding=4), 4),
    ],
)
def test_modules_that_block_nan_are_measured_by_their_values(model, flank):
    torch.manual_seed(0)
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    measured = measure_model(model, 64)
    assert measured.flanks == (flank, flank) and measured.receptive_field == 2 * flank + 1


def test_weights_of_zero_count_as_reading():
    model = nn.Conv1d(4, 2, 9, padding=4)
    nn.init.zeros_(model.weight)
    assert measure_model(model, 64).flanks == (4, 4)


def test_a_model_that_gives_nan_is_refused():
    model = nn.Conv1d(4, 2, 9, padding=4)
    nn.init.constant_(model.weight, torch.nan)
    with pytest.raises(
        ModelError,
        match="window 64: the model gives NaN for random bases: check its weights",
    ):
        measure_model(model, 64)


@pytest.mark.parametrize("window", [64, 65])
def test_programs_are_measured(window):
    net = nn.Sequential(nn.Conv1d(4, 8, 5, padding=2), nn.ReLU(), nn.Conv1d(8, 2, 3)).eval()
    bases = torch.zeros(1, 4, window)
    exported = torch.export.export(net, (bases,)).module()
    traced = torch.jit.trace(net, bases)
    expected = measure_model(net, window)
    assert expected.flanks == (3, 3) and expected.geometry.crop == 1
    assert measure_model(exported, window) == measure_model(traced, window) == expected
