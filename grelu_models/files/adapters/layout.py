"""Functions shared by the adapters: options with published defaults, and renaming of tensors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from grelu_models.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "HEAD",
    "Options",
    "choose_tracks",
    "map_transformers",
    "read_options",
    "rename_tensors",
]

Options = dict[str, Any]
"""Options of a model of another package, as in `model.architecture` without `model_type`."""

HEAD = "head.channel_transform.conv.layer"
"""Our module that holds the weights of a published head."""

ATTENTION = ("to_q", "to_k", "to_v", "to_out")
"""Modules of an attention layer that have the same names in both packages."""

KINDS = {bool: "true or false", int: "a whole number", str: "a name"}


def read_options(package: str, options: Options, defaults: Options) -> Options:
    """Check the options of a user and complete them by the published ones.

    Parameters
    ----------
    package : str
        For error messages.
    options : dict
    defaults : dict
        All options; None for a number that depends on other options.

    Raises
    ------
    ModelError
        If an option is unknown or its value has another type.
    """
    unknown = [str(name) for name in options if name not in defaults]
    if unknown:
        raise ModelError(
            f"{package} has no option {', '.join(unknown)}: it takes {', '.join(defaults)}"
        )
    for name, value in options.items():
        kind = int if defaults[name] is None else type(defaults[name])
        if type(value) is not kind and not (value is None and defaults[name] is None):
            raise ModelError(f"{package}: {name} must be {KINDS[kind]}, not {value!r}")
    return {**defaults, **options}


def choose_tracks(package: str, given: Options, published: dict[str, int]) -> int:
    """Return the number of tracks: the option `n_tasks`, or else that of the published head.

    Raises
    ------
    ModelError
        If the head is not a published one, and `n_tasks` is not given.
    """
    tracks: int | None = given["n_tasks"] or published.get(given["head"])
    if tracks is None:
        raise ModelError(
            f"{package}: head {given['head']!r} is not one of {', '.join(published)}: "
            "also give its n_tasks"
        )
    return tracks


def map_transformers(state: dict[str, Tensor], positions: str) -> dict[str, str]:
    """Map the modules of all transformers, which are nested as in enformer-pytorch, to ours.

    Parameters
    ----------
    state : dict
        Tensors of the other package by name.
    positions : str
        Our name for the attention's `to_rel_k`.
    """
    modules: dict[str, str] = {}
    for i in {found[1] for name in state if (found := re.match(r"transformer\.(\d+)\.", name))}:
        attention, dense = f"transformer.{i}.0.fn", f"transformer.{i}.1.fn"
        ours = f"embedding.transformer_tower.blocks.{i}"
        modules |= {
            f"{attention}.0": f"{ours}.norm.layer",
            f"{attention}.1": f"{ours}.mha",  # biases of the attention itself
            f"{attention}.1.to_rel_k": f"{ours}.mha.{positions}",
            **{f"{attention}.1.{to}": f"{ours}.mha.{to}" for to in ATTENTION},
            f"{dense}.0": f"{ours}.ffn.dense1.norm.layer",
            f"{dense}.1": f"{ours}.ffn.dense1.linear",
            f"{dense}.4": f"{ours}.ffn.dense2.linear",
        }
    return modules


def rename_tensors(
    package: str,
    state: dict[str, Tensor],
    modules: dict[str, str],
    *,
    head: str,
    heads: dict[str, str],
    unused: tuple[str, ...] = (),
) -> dict[str, Tensor]:
    """Rename tensors after our modules, and leave out all heads except one.

    Parameters
    ----------
    package : str
        For error messages.
    state : dict
        Tensors of the other package by name.
    modules : dict
        Module of the other package -> ours.
    head : str
        The head to keep.
    heads : dict
        Head -> its module in the other package.
    unused : tuple of str
        Modules of the other package to leave out. Default is ().

    Raises
    ------
    ModelError
        If there are tensors of other modules, or the chosen head is missing.
    """
    if head in heads:
        modules = modules | {heads[head]: HEAD}
    dropped = {*heads.values(), *unused} - modules.keys()
    renamed: dict[str, Tensor] = {}
    unknown: list[str] = []
    for name, tensor in state.items():
        module, _, kind = name.rpartition(".")
        if module in modules:
            renamed[f"{modules[module]}.{kind}"] = tensor
        elif module not in dropped:
            unknown.append(name)
    if unknown:
        raise ModelError(
            f"{len(unknown)} tensors are not those of {package}, e.g. {unknown[0]}: "
            "check model.architecture.model_type"
        )
    if f"{HEAD}.weight" not in renamed:
        found = [name for name, module in heads.items() if f"{module}.weight" in state]
        raise ModelError(
            f"the weights have no head {head!r} (their heads: {', '.join(found) or 'none'}): "
            "check model.architecture.head"
        )
    return renamed | _count_no_batches(renamed)


def _count_no_batches(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Make the counters of batch norms that are missing in a file; inference ignores them."""
    counters = {
        name.replace("running_var", "num_batches_tracked"): tensor
        for name, tensor in state.items()
        if name.endswith(".running_var")
    }
    return {
        name: tensor.new_zeros(()).long() for name, tensor in counters.items() if name not in state
    }
