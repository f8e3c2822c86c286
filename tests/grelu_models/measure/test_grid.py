"""Bin and crop of any module, and the errors where they cannot be found."""

import re

import pytest
import torch
from torch import nn

from grelu_models.checkpoint import build_model
from grelu_models.errors import ModelError
from grelu_models.geometry import Geometry
from grelu_models.measure import measure_geometry, measure_model
from toys import ARCHITECTURE


class Net(nn.Module):
    """A convolution and a pool, and what a test adds."""

    def __init__(self, *, pool=4, whole=False, only=None, with_values=False, size=5, crop=0):
        super().__init__()
        self.conv, self.pool = nn.Conv1d(4, 2, size, padding=size // 2), nn.MaxPool1d(pool)
        self.whole, self.only, self.with_values, self.crop = whole, only, with_values, crop

    def forward(self, x):
        if self.only is not None and x.shape[-1] != self.only:
            raise ValueError(f"{self.only} bases, please\nnot {x.shape[-1]}")
        if self.with_values:
            float(x.sum())  # impossible on the meta device
        x = self.pool(self.conv(x))
        x = x + x.mean(-1, keepdim=True) if self.whole else x
        return x[..., self.crop : x.shape[-1] - self.crop]


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("with_values", [False, True])
@pytest.mark.parametrize(("pool", "crop"), [(1, 0), (4, 0), (4, 3), (16, 2)])
def test_the_bin_follows_from_the_growth_of_the_output(pool, crop, with_values, whole):
    model = Net(pool=pool, crop=crop, with_values=with_values, whole=whole)
    expected = Geometry(256, pool, crop, 256 // pool - 2 * crop, 2)
    assert measure_geometry(model, 256) == expected
    assert measure_geometry(model, 256, bin=pool) == expected


@pytest.mark.parametrize("with_values", [False, True])
def test_the_bin_of_a_model_of_one_window_follows_from_what_its_outputs_read(with_values):
    for pool in (1, 4, 16):
        model = Net(pool=pool, only=256, with_values=with_values)
        assert measure_geometry(model, 256).bin == pool


def test_a_profile_over_the_whole_window_has_the_bin_of_its_convolutions():
    class Profile(Net):
        def forward(self, x):
            return self.conv(x)[..., 557:-557].softmax(2)

    measured = measure_model(Profile(), 2114)
    assert measured.geometry == Geometry(2114, 1, 557, 1000, 2) and measured.flanks is None


def test_a_stated_bin_decides_where_nothing_can_be_measured():
    model = Net(whole=True, only=256)
    with pytest.raises(ModelError) as error:
        measure_geometry(model, 256)
    assert str(error.value) == (
        "window 256: the model gives 64 bins, and their size cannot be measured: "
        "give model.bin in base pairs, one of 1, 2, 4"
    )
    assert measure_geometry(model, 256, bin=4) == Geometry(256, 4, 0, 64, 2)
    assert measure_geometry(model, 256, bin=2) == Geometry(256, 2, 32, 64, 2)
    with pytest.raises(ModelError) as error:
        measure_geometry(model, 256, bin=3)
    assert str(error.value) == (
        "model.bin: 64 bins of 3 bp leave 64 of 256 bp, which is not the same number of whole bins "
        "at both ends: let the model drop as many bins at the start of the window as at its end"
    )


def test_the_only_bin_that_the_window_allows_is_noted():
    model = Net(pool=1, whole=True, only=128, crop=8)
    assert measure_model(model, 128, bin=1).notes == ()
    assert measure_model(model, 128).notes == (
        "the size of the bins is not measured: 1 bp is the only one with which 112 bins are "
        "centred in a window of 128 bp",
    )


def test_a_wrong_statement_is_refused():
    message = "model.bin: 2 bp are stated, but the model has bins of 4 bp: remove the key"
    with pytest.raises(ModelError, match=message):
        measure_geometry(Net(pool=4), 256, bin=2)
    with pytest.raises(ModelError, match=message):
        measure_geometry(build_model(ARCHITECTURE), 96, bin=2)
    with pytest.raises(
        ModelError, match="model.bin: the model gives one value per window of 64 bp: remove the key"
    ):
        measure_geometry(nn.AdaptiveAvgPool1d(1), 64, bin=64)


def test_one_value_per_window_has_no_bin():
    measured = measure_model(nn.Sequential(nn.Conv1d(4, 3, 5), nn.AdaptiveAvgPool1d(1)), 64)
    assert measured.geometry == Geometry(64, None, 0, 1, 3)
    assert measured.receptive_field == 64 and measured.flanks is None


@pytest.mark.parametrize(
    ("model", "window", "message"),
    [
        (
            nn.Conv1d(4, 2, 4),
            100,
            "window 100: 97 bins of 1 bp leave 3 of 100 bp, which is not the same number of whole "
            "bins at both ends: let the model drop as many bins at the start of the window as at "
            "its end",
        ),
        (
            nn.Conv1d(4, 2, 18, stride=5),
            115,
            "window 115: 20 bins of 5 bp leave 15 of 115 bp, which is not the same number of whole "
            "bins at both ends: let the model drop as many bins at the start of the window as at "
            "its end",
        ),
        (
            nn.Conv1d(4, 2, 1, padding=2),
            100,
            "window 100: 104 bins of 1 bp are longer than the window of 100 bp: let the model drop "
            "as many bins at the start of the window as at its end",
        ),
        (
            Net(only=103),
            103,
            "window 103: 25 bins of 4 bp leave 3 of 103 bp, which is not the same number of whole "
            "bins at both ends: let the model drop as many bins at the start of the window as at "
            "its end",
        ),
        (
            Net(only=103, pool=3, whole=True),
            103,
            "window 103: the model gives 34 bins, which cannot be centred in the window, whatever "
            "their size: let the model drop as many bins at the start of the window as at its end",
        ),
        (
            nn.MaxPool1d(125),
            1024,
            "window 1024: the number of bins does not grow in proportion to the window (8 at 1024 "
            "bp, 278 at 34816 bp): use a window that is a multiple of what the model pools, or "
            "give model.bin",
        ),
        (
            nn.Sequential(nn.MaxPool1d(128), nn.Upsample(scale_factor=128)),
            1000,
            "window 1000: the number of bins does not grow in proportion to the window (896 at "
            "1000 bp, 1920 at 2000 bp): use a window that is a multiple of what the model pools, "
            "or give model.bin",
        ),
        (Net(only=128), 129, "window 129 does not fit the model: 128 bases, please"),
    ],
)
def test_windows_that_do_not_fit_are_refused(model, window, message):
    with pytest.raises(ModelError) as error:
        measure_geometry(model, window)
    assert str(error.value) == message


class Returns(nn.Module):
    """Returns what a function makes of the bases."""

    def __init__(self, make) -> None:
        super().__init__()
        self.make = make

    def forward(self, x):
        return self.make(x)


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda x: x.mean(2), "shape (1, 4)"),
        (lambda x: x[0], "shape (4, 64)"),
        (lambda x: x.repeat(2, 1, 1), "shape (2, 4, 64)"),
        (lambda x: x[..., :0], "shape (1, 4, 0)"),
        (lambda x: (x, x), "a tuple of 2"),
        (lambda x: {"profile": x, "counts": x}, "a dict with 'profile', 'counts'"),
        (lambda x: None, "NoneType"),
    ],
)
def test_outputs_of_another_shape_are_refused(make, found):
    with pytest.raises(ModelError) as error:
        measure_geometry(Returns(make), 64)
    assert str(error.value) == (
        f"for bases of shape (1, 4, 64), the model returns {found}: "
        "it must return one tensor of shape (1, tracks, bins)"
    )


def test_bins_before_tracks_are_refused():
    message = (
        "the number of tracks grows with the window (64 at 64 bp, 128 at 128 bp): the model must "
        "return (1, tracks, bins), not (1, bins, tracks)"
    )
    with pytest.raises(ModelError, match=re.escape(message)):
        measure_geometry(Returns(lambda x: x.mT), 64)


def test_a_recurrent_model_is_not_run_step_by_step_on_the_meta_device():
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.LSTM(4, 2, batch_first=True, bidirectional=True)

        def forward(self, x):
            assert not x.is_meta
            return self.net(nn.functional.max_pool1d(x, 4).mT)[0].mT

    assert measure_geometry(Recurrent(), 512) == Geometry(512, 4, 0, 128, 4)


def test_the_model_and_the_random_state_are_left_as_they_were():
    class Keeps(nn.Module):
        """Keeps a tensor of its last forward pass, and uses random numbers."""

        def __init__(self):
            super().__init__()
            self.conv, self.drop, self.kept = nn.Conv1d(4, 2, 3, padding=1), nn.Dropout(), None

        def forward(self, x):
            if self.kept is None or len(self.kept) != x.shape[-1]:
                self.kept = torch.rand(x.shape[-1], device=x.device)
            return self.drop(self.conv(x)) + self.kept

    model = Keeps()
    model.drop.eval()
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    assert measure_model(model, 64).flanks == (1, 1)
    assert model.training and model.conv.training and not model.drop.training
    assert model.kept is not None and not model.kept.is_meta
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(model.state_dict()[name], value) for name, value in weights.items())
