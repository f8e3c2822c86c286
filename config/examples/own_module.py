"""The module of own-module.yaml: the demo's network in torch alone, which reads its own weights."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

CROP = 22  # positions at each end that depend on what is outside of the window


def make_block(before: int, after: int, dilation: int) -> nn.Sequential:
    conv = nn.Conv1d(before, after, 9, dilation=dilation, padding="same")
    return nn.Sequential(conv, nn.BatchNorm1d(after), nn.ReLU(), nn.MaxPool1d(2))


class Network(nn.Module):
    """One-hot bases (N, 4, 2048) -> (N, 1, 84), in bins of 16 bp."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv1d(4, 32, 15, padding="same")
        widths = (32, 24, 36, 54, 81)
        self.blocks = nn.Sequential(
            *(make_block(widths[i], widths[i + 1], 2**i) for i in range(len(widths) - 1))
        )
        self.head = nn.Conv1d(widths[-1], 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.blocks(self.stem(x).relu())
        return self.head(x[:, :, CROP:-CROP])


def build(weights: Path) -> nn.Module:
    """Return the network with the weights of a file, whose tensors have gReLU's names."""
    tensors = load_file(weights)
    network = Network()
    blocks = "embedding.conv_tower.blocks"
    names = {"stem": f"{blocks}.0.conv", "head": "head.channel_transform.conv.layer"}
    for i in range(len(network.blocks)):
        names[f"blocks.{i}.0"] = f"{blocks}.{i + 1}.conv"
        names[f"blocks.{i}.1"] = f"{blocks}.{i + 1}.norm.layer"
    state = {}
    for name in network.state_dict():
        layer, _, kind = name.rpartition(".")
        state[name] = tensors[f"{names[layer]}.{kind}"]
    network.load_state_dict(state)
    return network
