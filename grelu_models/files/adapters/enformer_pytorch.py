"""Weights of enformer-pytorch (0.8.11, by P. Wang): the published Enformer, and models like it.

Avsec et al. 2021, 10.1038/s41592-021-01252-x; EleutherAI converted the weights from DeepMind's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grelu_models.files.adapters.layout import (
    HEAD,
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

PACKAGE = "enformer-pytorch"
WINDOW = 196_608
ACTIVATION = "softplus"

TRACKS = {"human": 5313, "mouse": 1643}
OPTIONS = {
    "head": "human",
    "crop_len": 320,
    "dim": 1536,
    "depth": 11,
    "heads": 8,
    "attn_dim_key": 64,
    "num_downsamples": 7,
    "use_tf_gamma": True,
    "n_tasks": None,
}

TRUNK = {"1": "stem", "2": "conv_tower", "4": "transformer", "6": "final_pointwise"}


def describe(options: Options) -> Architecture:
    """Return the architecture for `build_model`.

    Parameters
    ----------
    options : dict
        head : str
            "human" (5,313 tracks) or "mouse" (1,643); or, with `n_tasks`, another name in
            `output_heads`. Default is "human".
        n_tasks : int, optional
            Tracks of the head. Default is None: those of the published `head`.
        crop_len : int
            Output bins dropped at each end. Default is 320, which leaves the central 896
            (`target_length`) of the published window.
        dim, depth, heads, attn_dim_key, num_downsamples : int
            Defaults are 1,536, 11, 8, 64 and 7.
        use_tf_gamma : bool
            Whether to use TensorFlow's gamma features, with which the published weights were
            trained. Default is True, as in the package's `from_pretrained`. Use False for models
            that were trained with the package, whose configuration has False.

    Returns
    -------
    dict
        `model_type` and arguments of `EnformerModel`.

    Raises
    ------
    ModelError
        If an option or its value is not valid.

    Examples
    --------
    >>> describe({"head": "mouse"})["n_tasks"]
    1643
    """
    given = read_options(PACKAGE, options, OPTIONS)
    return {
        "model_type": "EnformerModel",
        "n_tasks": choose_tracks(PACKAGE, given, TRACKS),
        "n_conv": given["num_downsamples"],
        "channels": given["dim"],
        "n_transformers": given["depth"],
        "n_heads": given["heads"],
        "key_len": given["attn_dim_key"],
        "crop_len": given["crop_len"],
        "final_pool_func": None,
        "use_tf_gamma": given["use_tf_gamma"],
    }


def convert(state: dict[str, Tensor], options: Options) -> dict[str, Tensor]:
    """Convert the state dict of enformer-pytorch's `Enformer` to ours.

    Parameters
    ----------
    state : dict
        Tensors by name. The other heads are left out.
    options : dict
        See `describe`.

    Raises
    ------
    ModelError
        If there are tensors of other modules, or the chosen head is missing.
    """
    given = read_options(PACKAGE, options, OPTIONS)
    state = _name_trunk(state)
    heads = [name.split(".")[1] for name in state if name.startswith("_heads.")]
    renamed = rename_tensors(
        PACKAGE,
        state,
        _map_modules(state),
        head=given["head"],
        heads={head: f"_heads.{head}.0" for head in heads},
    )
    linear = renamed[f"{HEAD}.weight"]
    return renamed | {f"{HEAD}.weight": linear[..., None]}  # a convolution of width 1


def _name_trunk(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give every tensor of the trunk one name.

    A state dict contains each under two names, `stem…` and `_trunk.1…`; a file that stores shared
    tensors once may have either.
    """
    named: dict[str, Tensor] = {}
    for name, tensor in state.items():
        trunk, _, rest = name.partition(".")
        number, _, rest = rest.partition(".")
        if trunk == "_trunk" and number in TRUNK:
            named.setdefault(f"{TRUNK[number]}.{rest}", tensor)
        else:
            named[name] = tensor
    return named


def _map_modules(state: dict[str, Tensor]) -> dict[str, str]:
    """Their modules -> ours, without the head."""
    modules = {
        "stem.0": "embedding.conv_tower.blocks.0.0",
        **_map_pooled("stem", "embedding.conv_tower.blocks.0.1"),
        "final_pointwise.1.0": "embedding.pointwise_conv.norm.layer",
        "final_pointwise.1.2": "embedding.pointwise_conv.conv",
    }
    for i in {name.split(".")[1] for name in state if name.startswith("conv_tower.")}:
        if i.isdecimal():
            theirs, ours = f"conv_tower.{i}", f"embedding.conv_tower.blocks.{int(i) + 1}"
            modules[f"{theirs}.0.0"] = f"{ours}.0.norm.layer"
            modules[f"{theirs}.0.2"] = f"{ours}.0.conv"
            modules |= _map_pooled(theirs, f"{ours}.1")
    return modules | map_transformers(state, positions="to_rel_k")


def _map_pooled(theirs: str, ours: str) -> dict[str, str]:
    """Map the residual convolution and the pooling that follow a convolution."""
    return {
        f"{theirs}.1.fn.0": f"{ours}.norm.layer",
        f"{theirs}.1.fn.2": f"{ours}.conv",
        f"{theirs}.2.to_attn_logits": f"{ours}.pool.layer.to_attn_logits",
    }
