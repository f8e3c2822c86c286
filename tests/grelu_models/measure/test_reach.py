"""Flanks of any module, compared with changes of one base at a time."""

from contextlib import suppress

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_nets import LAYERS, PaddedUNet, UNet, find_flanks, read_intervals
from torch import nn

from grelu_models.errors import ModelError
from grelu_models.geometry import Geometry
from grelu_models.measure import measure_model
from grelu_models.measure.grid import find_grid
from grelu_models.measure.influence import Influence
from grelu_models.measure.reach import find_reach


def find(model: nn.Module, window: int):
    """Geometry and reach of a module, and the forward passes that both took."""
    influence = Influence(model.eval(), window)
    grid = find_grid(influence, bin=None)
    reach = influence.ask(lambda asked: find_reach(asked, grid.geometry, period=grid.period))
    return grid.geometry, reach, influence.passes


@settings(max_examples=60)
@given(
    layers=st.lists(LAYERS, min_size=1, max_size=6),
    window=st.sampled_from([48, 96, 120, 144]),
    seed=st.integers(0, 100),
)
def test_flanks_are_those_of_changes_of_one_base_at_a_time(layers, window, seed):
    torch.manual_seed(seed)
    model = nn.Sequential(*layers)
    for parameter in model.parameters():
        nn.init.normal_(parameter, 0, 0.5)
    influence = Influence(model.eval(), window)
    try:
        grid = find_grid(influence, bin=None)
    except ModelError:
        return  # the layers do not fit the window, or leave bins that cannot be centred
    if grid.geometry.bin is None:
        return
    expected = find_flanks(read_intervals(model, window), grid.geometry)
    if expected is not None and min(expected) <= -grid.geometry.bin:
        with suppress(ModelError):  # misplaced
            assert find(model, window)[1] is None
        return
    found = find(model, window)[1]
    if found is None and expected is not None:
        # Not known where outputs read so much that few of them read between the window's ends.
        assert sum(expected) + grid.geometry.bin > window // 2
    else:
        assert found == expected


class Dilated(nn.Module):
    """A BPNet-like trunk of 8 layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(4, 8, 21, padding=10)
        self.layers = nn.ModuleList(
            nn.Conv1d(8, 8, 3, dilation=2**i, padding=2**i) for i in range(1, 9)
        )
        self.last = nn.Conv1d(8, 2, 75, padding=37)

    def forward(self, x):
        x = self.first(x).relu()
        for layer in self.layers:
            x = x + layer(x).relu()
        return self.last(x)[..., 557:-557]


def test_bins_of_one_base_take_seven_passes():
    geometry, reach, passes = find(Dilated(), 2114)
    assert (geometry.bin, geometry.crop, geometry.length) == (1, 557, 1000)
    assert reach == (557, 557) and passes == 7


def test_bins_of_128_bases_take_fourteen_passes():
    halves = [nn.Sequential(nn.MaxPool1d(2), nn.Conv1d(8, 8, 5, padding=2)) for _ in range(7)]
    model = nn.Sequential(nn.Conv1d(4, 8, 15, padding=7), *halves)
    geometry, reach, passes = find(model, 128 * 40)
    assert (geometry.bin, geometry.crop, geometry.length) == (128, 0, 40)
    assert reach == (515, 515) and passes == 14


@pytest.mark.parametrize("window", [1024, 1056])
@pytest.mark.parametrize("skip", [True, False])
def test_positions_of_a_u_net_differ_in_what_they_read(skip, window):
    model = nn.Sequential(
        nn.Conv1d(4, 4, 5, padding=2), UNet(16, nn.Conv1d(4, 4, 3, padding=1), skip=skip)
    )
    # The last of 16 equal outputs reads from its pool's left neighbour on: 15 + 16 bp, and 2.
    geometry, reach, _ = find(model, window)
    assert geometry.bin == 1 and reach == (33, 33)


def test_the_period_of_a_u_net_is_found_without_a_sign_in_the_shapes():
    model = PaddedUNet(16, nn.Conv1d(4, 4, 3, padding=1))
    assert find(model, 1024)[1] == (31, 31)


GEOMETRY = Geometry(96, 1, 0, 96, 2)


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Conv1d(4, 2, 5, padding=2), nn.Softmax(dim=2)),
        nn.Sequential(nn.Conv1d(4, 2, 5, padding=2), nn.InstanceNorm1d(2)),
        nn.Conv1d(4, 2, 255, padding=127),
    ],
)
def test_outputs_that_all_read_the_first_base_have_no_flanks(model):
    influence = Influence(model.eval(), 96)
    assert influence.ask(lambda asked: find_reach(asked, GEOMETRY, period=1)) is None
    assert influence.passes == 3
    measured = measure_model(model, 96)
    assert measured.flanks is None and measured.receptive_field == 96


class Centre(nn.Module):
    """Adds the mean over the centre of the window to an output with flanks of 2 bp."""

    def __init__(self, margin: int) -> None:
        super().__init__()
        self.conv, self.margin = nn.Conv1d(4, 2, 5, padding=2), margin

    def forward(self, x):
        x = self.conv(x)
        centre = x[..., self.margin : x.shape[-1] - self.margin]
        return x[..., 20:-20] + centre.mean(-1, keepdim=True)


@pytest.mark.parametrize("margin", [0, 10, 25, 60, 110, 130])
def test_a_mean_over_the_centre_of_the_window_is_found(margin):
    # The bases read by the mean are neither the first nor the last of the window.
    assert measure_model(Centre(margin), 300).flanks is None


def test_a_flank_of_a_part_of_a_bin_is_zero():
    measured = measure_model(nn.Conv1d(4, 2, 3, stride=8), 80)
    assert measured.geometry.bin == 8 and measured.flanks == (0, 0)
    assert measured.receptive_field == 3


def test_causal_convolutions_read_to_the_left_only():
    model = nn.Sequential(nn.ConstantPad1d((8, 0), 0), nn.Conv1d(4, 2, 9))
    measured = measure_model(model, 100)
    assert measured.flanks == (8, 0) and measured.receptive_field == 9 and measured.notes == ()


class Cut(nn.Module):
    """A convolution whose output is cut at the start only."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(4, 2, size, padding=size // 2)

    def forward(self, x):
        return self.conv(x)[..., 10:]


def test_an_output_that_is_cut_on_one_side_is_refused_or_noted():
    message = (
        "window 64: the model gives 54 bins of 1 bp, which do not read the bases of their own "
        "places: let the model drop as many bins at the start of the window as at its end"
    )
    with pytest.raises(ModelError) as error:
        measure_model(Cut(3), 64)
    assert str(error.value) == message
    assert measure_model(Cut(31), 128).notes == (
        "a bin reads 10 bp to its left and 20 bp to its right: its place is right if the model "
        "drops as many bins (5) at the start of the window as at its end",
    )


def test_an_output_that_does_not_depend_on_the_bases_is_refused():
    class Constant(nn.Module):
        def forward(self, x):
            return torch.zeros(1, 2, x.shape[-1])

    with pytest.raises(ModelError, match="window 64: the outputs do not depend on the bases"):
        measure_model(Constant(), 64)
