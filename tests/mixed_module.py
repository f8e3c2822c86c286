"""A module of a user's own, for tests."""

import torch
from torch import Tensor, nn


class Mixed(nn.Module):
    """(N, L, 4) -> (N, L / 8, 3), with tensors made in `forward`, and a recurrent layer."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Linear(4, 6), nn.Linear(8, 3)
        self.gru = nn.GRU(6, 4, bidirectional=True, batch_first=True)
        self.register_buffer("order", torch.tensor([2, 0, 1]))

    def forward(self, x: Tensor) -> Tensor:
        x = x.unflatten(1, (-1, 8)).mean(2)
        place = torch.arange(x.shape[1], device=x.device)[:, None] / x.shape[1]
        x, _ = self.gru(self.embed(x) + place)
        return torch.index_select(self.head(x), 2, self.order) * torch.ones_like(x[:, :, :1])
