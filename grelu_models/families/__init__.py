"""The table of model families, by `model_type`.

A family is one module with a record `Family` and one line here. Packages of others add families by
the entry-point group `grelu_models.families`. Needs no torch.
"""

from grelu_models.errors import ModelError
from grelu_models.families import adapted, bpnet, chrombpnet, grelu, keras, programs, spliceai
from grelu_models.families.family import Family, Options, Statement, check_options
from grelu_models.families.plugins import GROUP, KNOWN, find_plugin
from grelu_models.families.python import REFUSED
from grelu_models.files.limits import show

__all__ = ["FAMILIES", "Family", "Options", "Statement", "check_options", "find_family"]

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        *grelu.FAMILIES,
        *adapted.FAMILIES,
        bpnet.FAMILY,
        chrombpnet.FAMILY,
        keras.FAMILY,
        programs.FAMILY,
        spliceai.FAMILY,
    )
}
"""By `model_type`."""


def find_family(kind: object) -> Family:
    """Return the family of a `model_type`: ours, or one that an installed package adds.

    A package cannot replace a family of ours.

    Raises
    ------
    ModelError
        If there is none. The message lists those that exist, or names the package that adds it.
    """
    if kind == REFUSED.name:
        return REFUSED
    if isinstance(kind, str) and kind in FAMILIES:
        return FAMILIES[kind]
    found = find_plugin(kind) if isinstance(kind, str) else None
    if found is None:
        raise ModelError(f"unknown model_type {show(kind)}: {_suggest(kind)}")
    return found


def _suggest(kind: object) -> str:
    if isinstance(kind, str) and kind in KNOWN:
        return f"install the package that adds it, {KNOWN[kind]}"
    alike = {name.lower(): name for name in (*FAMILIES, *KNOWN)}
    if isinstance(kind, str) and kind.lower() in alike:
        return f"write {alike[kind.lower()]!r}"
    return (
        f"use one of {', '.join(FAMILIES)}, or install a package that adds it (entry point {GROUP})"
    )
