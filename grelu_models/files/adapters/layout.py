"""What the adapters share: options with published defaults, and tensors under new names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from grelu_models.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["HEAD", "choose_tracks", "map_transformers", "read_options", "rename_tensors"]

HEAD = "head.channel_transform.conv.layer"
"""Our module of a published head's weights."""

KINDS = {bool: "true or false", int: "a whole number", str: "a name"}


def read_options(package: str, options: dict, defaults: dict) -> dict:
    """Complete a user's options by the published ones.

    Parameters
    ----------
    package : str
        For the messages.
    options : dict
    defaults : dict
        All options there are; None stands for a number that follows from others.

    Raises
    ------
    ModelError
        For options that there are not, and values of another kind.
    """
    strange = [str(name) for name in options if name not in defaults]
    if strange:
        raise ModelError(
            f"{package} has no option {', '.join(strange)}: it takes {', '.join(defaults)}"
        )
    for name, value in options.items():
        kind = int if defaults[name] is None else type(defaults[name])
        if type(value) is not kind and not (value is None and defaults[name] is None):
            raise ModelError(f"{package}: {name} must be {KINDS[kind]}, not {value!r}")
    return {**defaults, **options}


def choose_tracks(package: str, given: dict, published: dict[str, int]) -> int:
    """Count the tracks of the option `head`, unless `n_tasks` says how many there are.

    Raises
    ------
    ModelError
        For a head that was not published, without `n_tasks`.
    """
    tracks = given["n_tasks"] or published.get(given["head"])
    if tracks is None:
        raise ModelError(
            f"{package}: head {given['head']!r} is not one of {', '.join(published)}: "
            "give its n_tasks too"
        )
    return tracks


def map_transformers(state: dict[str, Tensor], positions: str) -> dict[str, str]:
    """Map the modules of all transformers to ours: enformer-pytorch's nesting, and its heirs'.

    Parameters
    ----------
    state : dict
        Foreign tensors by name.
    positions : str
        Our name of attention's `to_rel_k`.
    """
    modules = {}
    for i in {found[1] for name in state if (found := re.match(r"transformer\.(\d+)\.", name))}:
        attention, dense = f"transformer.{i}.0.fn", f"transformer.{i}.1.fn"
        ours = f"embedding.transformer_tower.blocks.{i}"
        modules |= {
            f"{attention}.0": f"{ours}.norm.layer",
            f"{attention}.1": f"{ours}.mha",  # its biases, which are no module's
            f"{attention}.1.to_rel_k": f"{ours}.mha.{positions}",
            **{f"{attention}.1.{to}": f"{ours}.mha.{to}" for to in ATTENTION},
            f"{dense}.0": f"{ours}.ffn.dense1.norm.layer",
            f"{dense}.1": f"{ours}.ffn.dense1.linear",
            f"{dense}.4": f"{ours}.ffn.dense2.linear",
        }
    return modules


ATTENTION = ("to_q", "to_k", "to_v", "to_out")


def rename_tensors(
    package: str,
    state: dict[str, Tensor],
    modules: dict[str, str],
    *,
    head: str,
    heads: dict[str, str],
    unused: tuple[str, ...] = (),
) -> dict[str, Tensor]:
    """Give tensors the names of our modules, and leave all heads out but one.

    Parameters
    ----------
    package : str
        For the messages.
    state : dict
        Foreign tensors by name.
    modules : dict
        Our module of each foreign one.
    head : str
        The head to keep.
    heads : dict
        The foreign module of each head.
    unused : tuple of str
        Foreign modules that are left out.

    Raises
    ------
    ModelError
        For tensors of other modules, or without the chosen head.
    """
    if head in heads:
        modules = modules | {heads[head]: HEAD}
    dropped = {*heads.values(), *unused} - modules.keys()
    renamed, strange = {}, []
    for name, tensor in state.items():
        module, _, kind = name.rpartition(".")
        if module in modules:
            renamed[f"{modules[module]}.{kind}"] = tensor
        elif module not in dropped:
            strange.append(name)
    if strange:
        raise ModelError(
            f"{len(strange)} tensors are not {package}'s, e.g. {strange[0]}: "
            "check model.architecture.model_type"
        )
    if f"{HEAD}.weight" not in renamed:
        found = [name for name, module in heads.items() if f"{module}.weight" in state]
        raise ModelError(
            f"the weights have no head {head!r}, but {', '.join(found) or 'none at all'}: "
            "check model.architecture.head"
        )
    return renamed | _count_no_batches(renamed)


def _count_no_batches(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Make the batch norms' counters that a file lacks, as torch does: evaluation ignores them."""
    counters = {
        name.replace("running_var", "num_batches_tracked"): tensor
        for name, tensor in state.items()
        if name.endswith(".running_var")
    }
    return {
        name: tensor.new_zeros(()).long() for name, tensor in counters.items() if name not in state
    }
