"""Random networks, and which bases their outputs read, one base after the other."""

import torch
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

CHANNELS = 4


class Causal(nn.Module):
    """A convolution that reads to the left only."""

    def __init__(self, size: int, dilation: int) -> None:
        super().__init__()
        self.before = (size - 1) * dilation
        self.conv = nn.Conv1d(CHANNELS, CHANNELS, size, dilation=dilation)

    def forward(self, x):
        return self.conv(F.pad(x, (self.before, 0)))


class Crop(nn.Module):
    """Drops positions at both ends."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, x):
        return x[..., self.count : x.shape[-1] - self.count]


class ChannelNorm(nn.Module):
    """A layer norm over the channels of each position."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(CHANNELS)

    def forward(self, x):
        return self.norm(x.mT).mT


class Residual(nn.Module):
    """Adds a layer's output to its input."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return x + self.inner(x)


class UNet(nn.Module):
    """Pools, computes, repeats to the former length, and adds the input if there is a skip."""

    def __init__(self, pool: int, inner: nn.Module, *, skip: bool) -> None:
        super().__init__()
        self.pool, self.inner, self.skip = pool, inner, skip

    def forward(self, x):
        y = F.interpolate(self.inner(F.max_pool1d(x, self.pool)), scale_factor=self.pool)
        return x + y if self.skip else y


class PaddedUNet(nn.Module):
    """A U-net that accepts any length: it pads its input and crops its output."""

    def __init__(self, pool: int, inner: nn.Module) -> None:
        super().__init__()
        self.pool, self.net = pool, UNet(pool, inner, skip=True)

    def forward(self, x):
        length = x.shape[-1]
        return self.net(F.pad(x, (0, -length % self.pool)))[..., :length]


def _conv(size, dilation, *, padding="same", groups=1):
    return nn.Conv1d(CHANNELS, CHANNELS, size, dilation=dilation, padding=padding, groups=groups)


def _inner():
    return nn.Conv1d(CHANNELS, CHANNELS, 3, padding=1)


_SIZE, _DILATION, _STEP = st.integers(1, 6), st.integers(1, 3), st.integers(2, 4)

LAYERS = st.one_of(
    st.builds(_conv, _SIZE, _DILATION),
    st.builds(_conv, _SIZE, _DILATION, padding=st.just(0)),
    st.builds(_conv, _SIZE, _DILATION, groups=st.just(CHANNELS)),
    st.builds(Causal, _SIZE, _DILATION),
    st.builds(
        lambda step, more, padding: nn.Conv1d(
            CHANNELS, CHANNELS, step + more, stride=step, padding=padding
        ),
        _STEP,
        st.integers(-1, 4),
        st.integers(0, 1),
    ),
    st.builds(nn.MaxPool1d, _STEP, ceil_mode=st.booleans()),
    st.builds(nn.AvgPool1d, _STEP),
    st.builds(lambda: nn.AvgPool1d(3, stride=1, padding=1)),
    st.builds(lambda step: nn.LPPool1d(2, step), _STEP),
    st.builds(
        lambda step, overlap: nn.ConvTranspose1d(
            CHANNELS, CHANNELS, step + 2 * overlap, stride=step, padding=overlap
        ),
        _STEP,
        st.integers(0, 2),
    ),
    st.builds(lambda step: nn.Upsample(scale_factor=step), _STEP),
    st.builds(lambda: nn.Upsample(scale_factor=2, mode="linear", align_corners=True)),
    st.builds(nn.BatchNorm1d, st.just(CHANNELS)),
    st.builds(ChannelNorm),
    st.builds(Crop, st.integers(1, 6)),
    st.builds(
        lambda size, dilation: Residual(nn.Sequential(nn.GELU(), _conv(size, dilation))),
        _SIZE,
        _DILATION,
    ),
    st.builds(lambda step, skip: UNet(step, _inner(), skip=skip), _STEP, st.booleans()),
    st.builds(lambda step: PaddedUNet(step, _inner()), _STEP),
    st.sampled_from([nn.GELU, nn.ELU, nn.ReLU, nn.SiLU]).map(lambda kind: kind()),
    st.builds(lambda: nn.Softmax(dim=1)),
)
"""Layers of `CHANNELS` channels, as a hypothesis strategy."""


def read_intervals(model: nn.Module, window: int, *, draws: int = 24):
    """First and last base that each output reads: changes of one base at a time, in float64.

    Returns (bins, 2), int64.
    """
    model = model.double().eval()
    generator = torch.Generator().manual_seed(0)
    places = torch.arange(window)
    reads = None
    for _ in range(draws):
        bases = 4 * torch.randn(1, 4, window, generator=generator, dtype=torch.float64)
        bases = bases.repeat(window, 1, 1)  # rounding may depend on the number of sequences
        changed = bases.clone()
        changed[places, :, places] += 30 * torch.randn(window, 4, generator=generator).double()
        with torch.no_grad():
            moved = (model(changed) != model(bases)).any(1).T  # (bins, bases)
        reads = moved if reads is None else reads | moved
    model.float()
    first = reads.int().argmax(1)
    last = window - 1 - reads.flip(1).int().argmax(1)
    return torch.stack([first, last], 1)


def find_flanks(intervals, geometry):
    """Flanks of a bin by definition, from the intervals that the outputs read.

    None if all outputs read the first base of the window, or the last.
    """
    if (intervals[:, 0] == 0).all() or (intervals[:, 1] == geometry.window - 1).all():
        return None
    begin = (torch.arange(geometry.length) + geometry.crop) * geometry.bin
    left = begin - intervals[:, 0]
    right = intervals[:, 1] - (begin + geometry.bin - 1)
    return int(left.max()), int(right.max())
