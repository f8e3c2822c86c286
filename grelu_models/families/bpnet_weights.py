"""Tensors of a stored BPNet -> those of `models.bpnet.BPNet`, which has no control tracks.

Control tracks are given as zeros: their part of the profile is zero, and that of the counts is a
constant, the logarithm of zero counts plus what the program adds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from grelu_models.families.bpnet_layouts import Sizes, Stored

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["convert_tensors"]

State = dict[str, "Tensor"]


def convert_tensors(
    state: State, stored: Stored, sizes: Sizes, *, activate_first: bool = False
) -> State:
    """Return the tensors of our module.

    Parameters
    ----------
    state : dict
        All tensors of the file.
    stored : Stored
    sizes : Sizes
    activate_first : bool
        Whether it is a `BasePairNet` of bpnet-lite. Default is False.
    """
    found = {key: state[name] for key, name in stored.names.items()}
    if stored.keras:
        found = {
            key: tensor.permute(*reversed(range(tensor.ndim))) for key, tensor in found.items()
        }
    if "profile_mix.weight" in found:
        found = _join_profile(found, sizes)
    if "counts_mix.weight" in found:
        return _join_counts(found, math.log(sizes.controls))
    return _leave_controls(found, sizes, math.log(2) if activate_first else 0.0)


def _join_profile(found: State, sizes: Sizes) -> State:
    """Join the profile head of basepairmodels with the pointwise convolution that follows it."""
    import torch

    mix = found["profile_mix.weight"][:, : found["fconv.weight"].shape[0], 0].double()
    weight = torch.einsum("oh,hfk->ofk", mix, found["fconv.weight"].double())
    joined = {"fconv.weight": weight}
    if sizes.profile_bias:
        bias = torch.zeros(sizes.outputs, dtype=torch.float64)
        if "fconv.bias" in found:
            bias = bias + mix @ found["fconv.bias"].double()
        if "profile_mix.bias" in found:
            bias = bias + found["profile_mix.bias"]
        joined["fconv.bias"] = bias
    rest = {key: tensor for key, tensor in found.items() if not key.startswith("profile_mix")}
    return {**rest, **{key: tensor.float() for key, tensor in joined.items()}}


def _join_counts(found: State, control: float) -> State:
    """Join the counts head of basepairmodels with the dense layer that adds the controls."""
    mix = found["counts_mix.weight"].double()
    bias = mix[:, 1] * control
    if "linear.bias" in found:
        bias = bias + mix[:, 0] * found["linear.bias"]
    if "counts_mix.bias" in found:
        bias = bias + found["counts_mix.bias"]
    rest = {key: tensor for key, tensor in found.items() if not key.startswith("counts_mix")}
    weight = mix[:, :1] * found["linear.weight"].double()
    return {**rest, "linear.weight": weight.float(), "linear.bias": bias.float()}


def _leave_controls(found: State, sizes: Sizes, control: float) -> State:
    """Leave out the channels of the controls, which bpnet-lite appends to the filters."""
    if not sizes.controls:
        return found
    weight = found["linear.weight"]
    bias = weight[:, sizes.filters] * control + found.get("linear.bias", 0.0)
    return {
        **found,
        "fconv.weight": found["fconv.weight"][:, : sizes.filters],
        "linear.weight": weight[:, : sizes.filters],
        "linear.bias": bias,
    }
