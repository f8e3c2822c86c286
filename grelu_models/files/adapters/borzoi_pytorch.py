"""Weights of borzoi-pytorch (0.5.1): Borzoi and Flashzoi, by J. Hingerl.

Borzoi: Linder et al. 2025, 10.1038/s41588-024-02053-6. Flashzoi: Hingerl et al. 2024,
10.1101/2024.12.18.629121. The larger `Prime` of the package is a different
architecture, which is not supported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grelu_models.errors import ModelError
from grelu_models.files.adapters.layout import (
    Options,
    choose_tracks,
    map_transformers,
    read_options,
    rename_tensors,
)
from grelu_models.files.metadata import Architecture

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ACTIVATION", "PACKAGE", "WINDOW", "convert", "describe"]

PACKAGE = "borzoi-pytorch"
WINDOW = 524_288
ACTIVATION = "softplus"

TRACKS = {"human": 7611, "mouse": 2608}
DIM = 1536
POSITION_LENGTH = 4096  # scale of its positional features, for windows of any length
OPTIONS = {
    "flashed": False,
    "head": "human",
    "crop_len": 5120,
    "depth": 8,
    "dim": DIM,
    "heads": 8,
    "attn_dim_key": 64,
    "attn_dim_value": 192,
    "n_tasks": None,
}

CONVOLUTIONS = {
    **{f"res_tower.{2 * i}": f"conv_tower.blocks.{i + 1}" for i in range(5)},
    "unet1.1": "conv_tower.blocks.6",
    "upsampling_unet1.0": "unet_tower.blocks.0.conv",
    "upsampling_unet0.0": "unet_tower.blocks.1.conv",
    "final_joined_convs.0": "pointwise_conv",
}
SKIPS = {
    "horizontal_conv1": "unet_tower.blocks.0.channel_transform",
    "horizontal_conv0": "unet_tower.blocks.1.channel_transform",
}
SEPARABLE = {"separable1": "unet_tower.blocks.0.sconv", "separable0": "unet_tower.blocks.1.sconv"}


def describe(options: Options) -> Architecture:
    """Return the architecture for `build_model`.

    Parameters
    ----------
    options : dict
        flashed : bool
            Flashzoi instead of Borzoi. Default is False.
        head : {"human", "mouse"}
            7,611 or 2,608 tracks. Default is "human".
        n_tasks : int, optional
            Tracks of a head that was cut by `set_track_subset`. Default is None: those of `head`.
        crop_len : int
            Output bins dropped at each end. Default is 5,120, which leaves the central 6,144 of
            the published window; 16 gives the wide output of the package
            (`return_center_bins_only` off).
        depth, heads, attn_dim_key, attn_dim_value : int
            Defaults are 8, 8, 64 and 192.
        dim : int
            Must be 1,536 (the default), for which the package's other channels are fixed.

    Returns
    -------
    dict
        `model_type` and arguments of `BorzoiModel`.

    Raises
    ------
    ModelError
        If an option or its value is not valid.

    Examples
    --------
    >>> describe({"head": "mouse"})["n_tasks"]
    2608
    """
    given = read_options(PACKAGE, options, OPTIONS)
    if given["dim"] != DIM:
        raise ModelError(f"{PACKAGE}: dim must be {DIM}, for which its other channels are fixed")
    return {
        "model_type": "BorzoiModel",
        "n_tasks": choose_tracks(PACKAGE, given, TRACKS),
        "channels": DIM,
        "n_transformers": given["depth"],
        "n_heads": given["heads"],
        "key_len": given["attn_dim_key"],
        "value_len": given["attn_dim_value"],
        "crop_len": given["crop_len"],
        "final_pool_func": None,
        "flash_attn": "flashzoi" if given["flashed"] else False,
        "position_length": POSITION_LENGTH,
    }


def convert(state: dict[str, Tensor], options: Options) -> dict[str, Tensor]:
    """Convert the state dict of borzoi-pytorch's `Borzoi` or `AnnotatedBorzoi` to ours.

    Parameters
    ----------
    state : dict
        Tensors by name. The other head is left out, and so is the complete head that
        `set_track_subset` keeps in addition to the cut one.
    options : dict
        See `describe`.

    Raises
    ------
    ModelError
        If there are tensors of other modules, the attention is not that of `flashed`, or the chosen
        head is missing.
    """
    given = read_options(PACKAGE, options, OPTIONS)
    renamed = rename_tensors(
        PACKAGE,
        state,
        _map_modules(state),
        head=given["head"],
        heads={head: f"{head}_head" for head in TRACKS},
        unused=("human_head_bak",),
    )
    flashed = any(".mha.Wqkv." in name for name in renamed)
    if flashed != given["flashed"]:
        kind = "Flashzoi" if flashed else "Borzoi"
        raise ModelError(
            f"the weights are those of {kind}: "
            f"set model.architecture.flashed to {str(flashed).lower()}"
        )
    return renamed


def _map_modules(state: dict[str, Tensor]) -> dict[str, str]:
    """Their modules -> ours, without the head."""
    modules = {"conv_dna.conv_layer": "embedding.conv_tower.blocks.0.conv"}
    for theirs, ours in CONVOLUTIONS.items():
        modules[f"{theirs}.norm"] = f"embedding.{ours}.norm.layer"
        modules[f"{theirs}.conv_layer"] = f"embedding.{ours}.conv"
    for theirs, ours in SKIPS.items():
        modules[f"{theirs}.norm"] = f"embedding.{ours}.norm.layer"
        modules[f"{theirs}.conv_layer"] = f"embedding.{ours}.conv.layer"
    for theirs, ours in SEPARABLE.items():
        modules[f"{theirs}.conv_layer.0"] = f"embedding.{ours}.depthwise"
        modules[f"{theirs}.conv_layer.1"] = f"embedding.{ours}.pointwise"
    transformers = map_transformers(state, positions="to_pos_k")
    flash = {
        f"{theirs}.mha.{name}": f"{ours}.{name}"
        for theirs, ours in transformers.items()
        if ours.endswith(".mha")
        for name in ("Wqkv", "out_proj")
    }
    return modules | transformers | flash
