"""Longer windows for modules that are none of our architectures."""

from types import SimpleNamespace

from torch import nn

from genometracks.preflight.longer_window import lengthen_window
from grelu_models.measure import measure_model


class Net(nn.Module):
    """A convolution whose output is cropped; `only` is the one window that it accepts."""

    def __init__(self, only: int | None = None) -> None:
        super().__init__()
        self.conv, self.only = nn.Conv1d(4, 2, 41, padding=20), only

    def forward(self, x):
        if self.only not in (None, x.shape[-1]):
            raise ValueError(f"{self.only} bases, please")
        return self.conv(x)[..., 20:-20]


def lengthen(model: nn.Module):
    measured = measure_model(model.eval(), 100)
    described = SimpleNamespace(geometry=measured.geometry, flanks=measured.flanks)
    return lengthen_window([model], described, trim=0, lengths=[100_000])


def test_any_module_may_get_a_longer_window():
    chosen = lengthen(Net())
    multiple = chosen.geometry.window // 100
    assert multiple > 1 and chosen.window.why == f"{multiple} times the model's own"
    assert (chosen.geometry.bin, chosen.geometry.crop) == (1, 20)
    assert chosen.geometry.length == chosen.geometry.window - 40


def test_a_module_of_one_window_keeps_it():
    chosen = lengthen(Net(only=100))
    assert chosen.geometry.window == 100
    assert chosen.window.why == "the model does not take a longer one"
