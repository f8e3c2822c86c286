"""Modules of many operators, and files of `torch.export` that hold them, as they are or changed."""

import json
import zipfile

import torch
from torch import nn

BATCH = {0: torch.export.Dim("windows")}

PROGRAM, WEIGHTS = "models/model.json", "weights_config.json"
"""Ends of the names of members."""


class Conv(nn.Module):
    """What most models are made of."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv1d(4, 8, 15, padding=7), nn.BatchNorm1d(8)
        self.head, self.drop = nn.Conv1d(8, 3, 1), nn.Dropout(0.2)
        self.register_buffer("scale", torch.rand(3, 1), persistent=False)
        nn.init.uniform_(self.norm.running_mean)
        nn.init.uniform_(self.norm.running_var)

    def forward(self, x):
        x = nn.functional.relu(self.norm(self.conv(x)), inplace=True)
        return self.head(self.drop(nn.functional.max_pool1d(x, 4))) * self.scale


class Profile(nn.Module):
    """Several outputs, and shapes that depend on the number of windows."""

    def __init__(self):
        super().__init__()
        self.first, self.head = nn.Conv1d(4, 8, 21, padding=10), nn.Conv1d(8, 2, 15)
        self.rest = nn.ModuleList(nn.Conv1d(8, 8, 3, dilation=d, padding=d) for d in (2, 4))
        self.counts = nn.Linear(8, 1)

    def forward(self, x):
        x = torch.relu(self.first(x))
        for conv in self.rest:
            x = x + torch.relu(conv(x))
        profile = self.head(x)[:, :, 10:-10]
        counts = self.counts(x[:, :, 5:-5].mean(2))
        share = torch.softmax(profile.reshape(profile.shape[0], -1), -1).reshape(profile.shape)
        return {"profile": profile, "signal": share * torch.exp(counts)[:, :, None]}


class Last(nn.Module):
    """Channels last, attention, a recurrent layer, and a tuple of outputs."""

    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Linear(4, 16), nn.Linear(16, 3)
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.attention = nn.TransformerEncoder(layer, 1)
        self.gru = nn.GRU(16, 8, bidirectional=True, batch_first=True)

    def forward(self, x):
        x, _ = self.gru(self.attention(self.embed(x)))
        return self.head(x), torch.cat([part.sum(1) for part in x.chunk(2, 2)], 1)


class Odd(nn.Module):
    """Operators with lists, several results, symbolic arithmetic and constants."""

    def __init__(self):
        super().__init__()
        self.conv, self.up = nn.Conv1d(4, 6, 4, stride=2, padding=1), nn.Upsample(scale_factor=2)
        self.weight = nn.Parameter(torch.randn(6, 6))

    def forward(self, x):
        y = torch.einsum("ncl,cd->ndl", self.up(self.conv(x)), self.weight)
        y = torch.cat([y, y.flip(-1)], 1).view(x.shape[0] * 2, 6, -1)
        y = nn.functional.pad(y, (0, 1)).view(x.shape[0], 2, 6, -1).sum(1)[..., :-1]
        largest, _ = y.max(1, keepdim=True)
        one, two = y.split([2, 4], 1)
        y = torch.cat([one * torch.sigmoid(one), two], 1) + torch.arange(6.0)[:, None]
        return torch.where(y > largest, nn.functional.elu(y), y.clamp(-5, 5))


def export(module, path, *, sizes=(2, 4, 200), dynamic=True):
    torch.manual_seed(0)
    shapes = (BATCH,) if dynamic else None
    program = torch.export.export(module.eval(), (torch.randn(sizes),), dynamic_shapes=shapes)
    torch.export.save(program, path)
    return path


def edit(path, to, change=lambda plain: None, members=lambda members: None, *, end=PROGRAM):
    """Copy a program, with changes to the JSON of one member and to those of its archive."""
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    (main,) = (name for name in held if name.endswith(end))
    plain = json.loads(held[main])
    change(plain)
    held[main] = json.dumps(plain).encode()
    members(held)
    with zipfile.ZipFile(to, "w") as archive:
        for name, data in held.items():
            archive.writestr(name, data)
    return to


def random_windows(count, sizes):
    return torch.randn(count, *sizes[1:], generator=torch.Generator().manual_seed(1))
