"""AlphaGenome as a model of grelu-tracks: one genome-track head at one resolution.

Avsec et al. 2025, 10.1101/2025.06.25.661532. The module is that of alphagenome-pytorch 0.2.8. It
takes bases as numbers and computes every head; here, bases are one-hot and one head is computed.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from grelu_models.errors import ModelError
from grelu_models.families import Family, Options, Statement
from grelu_models.families.loading import build_with_weights
from grelu_models.files.architecture import MOST_TRACKS, whole
from grelu_models.files.weights_file import WeightsFile

if TYPE_CHECKING:
    from torch import nn

__all__ = ["FAMILY"]

WINDOW = 1_048_576
WIDTHS = (768, 896, 1024, 1152, 1280, 1408, 1536)
ORGANISMS = {"human": 0, "mouse": 1}
ORGANISM = "organism_embed.embed.weight"
SIZES = (
    "depth",
    "heads",
    "dim_head_qk",
    "dim_head_v",
    "max_positions",
    "dim_pairwise",
    "single_to_pairwise_heads",
    "pool_size",
)
"""Options of the package's transformer."""

FINE = ("rna_seq", "cage", "dnase", "procap", "atac")
COARSE = (*FINE, "chip_tf", "chip_histone")
"""Heads that exist at 1 bp, and at 128 bp."""

TRACKS = {
    "human": {
        "atac": 167,
        "cage": 546,
        "chip_histone": 1116,
        "chip_tf": 1617,
        "dnase": 305,
        "procap": 12,
    },
    "mouse": {
        "atac": 18,
        "cage": 188,
        "chip_histone": 183,
        "chip_tf": 127,
        "dnase": 67,
        "rna_seq": 533,
    },
}
"""Tracks of the published heads, which have more channels. That of human rna_seq is not stated."""


def _state(file: WeightsFile, options: Options) -> Statement:
    head, resolution, organism = _choose(options)
    count = options.get("tracks", TRACKS[organism].get(head))
    if resolution == 1 and head not in FINE:
        raise ModelError(f"alphagenome: head {head} has no resolution of 1 bp: use 128")
    if count is None:
        raise ModelError(
            f"alphagenome: the number of {organism} {head} tracks is not known: give tracks in "
            "model.architecture, as in the metadata of the published model"
        )
    return Statement(
        window=WINDOW,
        activation=None,
        count=count,
        scale="scaled as in training: divided by the track's mean, values above 10 compressed"
        + (", power 0.75" if head == "rna_seq" else ""),
        longer_windows=False,
        licence="AlphaGenome terms of Google DeepMind: non-commercial, they bind outputs, too",
        citation="Avsec et al. 2025, doi:10.1101/2025.06.25.661532",
        notes=(f"the first {count} channels of {head} are used, the rest are padding",),
    )


def _choose(options: Options) -> tuple[str, int, str]:
    if "head" not in options:
        raise ModelError(f"alphagenome: give head in model.architecture: {', '.join(COARSE)}")
    return options["head"], options.get("resolution", 128), options.get("organism", "human")


def _load(file: WeightsFile, options: Options) -> nn.Module:
    from grelu_tracks_alphagenome.model import AlphaGenomeTracks, make_alphagenome

    head, resolution, organism = _choose(options)
    statement, stored = _state(file, options), file.state_dict()
    prefix = f"heads.{organism}.{head}.resolutions.resolution_{resolution}."
    for needed in (f"{prefix}to_pred.bias", ORGANISM):
        if needed not in stored:
            raise ModelError(
                f"{file.path}: there is no {needed}: save the state_dict of an AlphaGenome of "
                "alphagenome-pytorch with its reference heads (add_reference_heads)"
            )
    channels = len(stored[f"{prefix}to_pred.bias"])
    if not statement.count or statement.count > channels:
        raise ModelError(
            f"{file.path}: {statement.count} tracks are stated, but {head} has {channels} "
            "channels: correct tracks"
        )
    state = {
        name: tensor
        for name, tensor in stored.items()
        if name.startswith(prefix) or not name.startswith("heads.")
    }
    build = partial(
        make_alphagenome,
        dims=tuple(options.get("dims", WIDTHS)),
        transformer=options.get("transformer", {}),
        organisms=len(stored[ORGANISM]),
        organism=organism,
        head=head,
        resolution=resolution,
        channels=channels,
    )
    model = build_with_weights(build, state, source=file.path)
    return AlphaGenomeTracks(model, organism=ORGANISMS[organism], tracks=statement.count)


def _is_widths(value: object) -> bool:
    """Whether a value lists widths that grow to the double of the first, as the package needs."""
    widths = value if isinstance(value, list | tuple) else []
    if len(widths) != len(WIDTHS) or not all(type(width) is int for width in widths):
        return False
    grow = all(narrow < wide for narrow, wide in pairwise((4, *widths)))
    return grow and widths[-1] == 2 * widths[0] < 100_000


def _is_transformer(value: object) -> bool:
    """Whether a value holds sizes of the package's transformer."""
    return isinstance(value, dict) and all(
        key in SIZES and type(size) is int and 0 < size < 100_000 for key, size in value.items()
    )


FAMILY = Family(
    "alphagenome",
    _state,
    _load,
    limits={
        "head": (f"one of {', '.join(COARSE)}", COARSE.__contains__),
        "resolution": ("1 or 128", lambda value: type(value) is int and value in (1, 128)),
        "organism": ("human or mouse", lambda value: value in (*ORGANISMS,)),
        "tracks": whole(1, MOST_TRACKS),
        "dims": (
            "7 growing widths, the last of them the double of the first",
            _is_widths,
        ),
        "transformer": (f"sizes of {', '.join(SIZES)}", _is_transformer),
    },
)
