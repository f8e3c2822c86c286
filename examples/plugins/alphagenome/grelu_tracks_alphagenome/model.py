"""The module of alphagenome-pytorch, with one-hot bases as input and one head as output."""

import os

import torch
from torch import Tensor, nn

# The precision is that of the config (prediction.precision). Read when the package is imported.
os.environ.setdefault("ALPHAGENOME_ALLOW_TF32", "0")
os.environ.setdefault("ALPHAGENOME_TORCH_BF16", "0")

from alphagenome_pytorch.alphagenome import (  # noqa: E402  # as above
    AlphaGenome,
    GenomeTracksHead,
    set_update_running_var,
)

__all__ = ["AlphaGenomeTracks", "make_alphagenome"]


def make_alphagenome(
    *,
    dims: tuple[int, ...],
    transformer: dict[str, object],
    organisms: int,
    organism: str,
    head: str,
    resolution: int,
    channels: int,
) -> AlphaGenome:
    """Make the package's module with a single head, under the names of its reference heads.

    Parameters
    ----------
    dims, transformer
        `dims` and `transformer_kwargs` of the package.
    organisms : int
        Number of organisms that the weights know.
    organism, head : str
        Names of the head.
    resolution : int
        Base pairs per bin: 1 or 128.
    channels : int
        Channels of the head, with its padding.
    """
    model = AlphaGenome(dims=dims, num_organisms=organisms, transformer_kwargs=transformer)
    only = GenomeTracksHead(model.dim_1bp, model.dim_128bp, channels, (resolution,))
    model.add_head(organism, head, only)
    set_update_running_var(model, False)  # else each forward pass changes them, also in eval mode
    return model


class AlphaGenomeTracks(nn.Module):
    """One-hot bases (N, 4, L) -> the tracks of one head (N, tracks, bins).

    Parameters
    ----------
    model : AlphaGenome
        From `make_alphagenome`.
    organism : int
        Its index in the package: 0 for human, 1 for mouse.
    tracks : int
        Leading channels of the head that are tracks; the rest is padding.
    """

    def __init__(self, model: AlphaGenome, *, organism: int, tracks: int) -> None:
        super().__init__()
        self.model = model
        (self._head,) = (head for heads in model.heads.values() for head in heads.values())
        ((name, self._layer),) = self._head.resolutions.items()
        self._fine, self._organism = name == "resolution_1", organism
        self.keep_tracks(list(range(tracks)))

    def keep_tracks(self, tracks: list[int]) -> None:
        """Compute only these tracks from now on, in this order."""
        linear = self._layer.to_pred
        for layer, name in ((linear, "weight"), (linear, "bias"), (self._layer, "scale")):
            kept = getattr(layer, name).detach()[tracks].clone()
            setattr(layer, name, nn.Parameter(kept, requires_grad=False))
        linear.out_features = len(tracks)

    def forward(self, x: Tensor) -> Tensor:
        codes = torch.where(x.sum(1) > 0, x.argmax(1), -1)  # -1 stands for N
        organism = torch.full((len(x),), self._organism, device=x.device)
        embeds = self.model.get_embeds(codes, organism)
        out: Tensor = self._layer(embeds.embeds_1bp if self._fine else embeds.embeds_128bp)
        return out.transpose(1, 2)
