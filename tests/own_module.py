"""A module of the user's own, `own.py`, with functions that build models, and some that do not."""

from grelu_models.checkpoint import load_unmeasured
from grelu_models.families.own_code import find_code
from grelu_models.models.own import check_values

SOURCE = """
from pathlib import Path

import torch
from torch import nn

with open("ran.txt", "a") as file:
    file.write("ran\\n")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(4, 3, 5, padding=2)

    def forward(self, x):
        return self.conv(x)


class Last(Net):
    def forward(self, x):
        return self.conv(x.transpose(1, 2)).transpose(1, 2)


class Several(Net):
    def forward(self, x):
        return {"signal": self.conv(x), "counts": self.conv(x).mean(2)}


def build():
    return Net()


def build_last():
    return Last()


def build_several():
    return Several()


def build_from(weights):
    model = Net()
    model.load_state_dict(torch.load(weights, weights_only=True))
    return model


def build_forgotten(weights):
    return Net()


class WithDefaults(Net):
    def __init__(self, channels=3, kernel=5):
        super().__init__()
        assert (channels, kernel) == (3, 5)


def build_optional(tracks=3, weights=None):
    return build_from(weights)


def build_two(weights, tracks):
    return Net()


def build_pair():
    class Pair(Net):
        def forward(self, x):
            return self.conv(x), 2 * self.conv(x)

    return Pair()


def build_nothing():
    return None


def build_raising(weights):
    raise ValueError("no such option\\nmore")


def build_leaving(weights):
    raise SystemExit(3)


def build_failing():
    class Failing(Net):
        def forward(self, x):
            return self.conv(x[:, :3])

    return Failing()


def build_flat():
    class Flat(Net):
        def forward(self, x):
            return self.conv(x).mean(2)

    return Flat()


def build_whole():
    class Whole(Net):
        def forward(self, x):
            return self.conv(x).long()

    return Whole()


def build_nan(weights):
    model = Net()
    nn.init.constant_(model.conv.bias, float("nan"))
    return model


class build_dropped(Net):
    def forward(self, x):
        return nn.functional.dropout(self.conv(x), 0.5)


class build_centred(Net):
    def forward(self, x):
        out = self.conv(x)
        return out - out.mean(dim=0)


class build_text(Net):
    def forward(self, x):
        return "text"
"""
"""It notes each run in `ran.txt`."""


def load(name, options=None):
    model, _ = load_unmeasured("own.pt", architecture=options or {}, code=find_code(f"own:{name}"))
    check_values(model, 50, source="own.py")
    return model
