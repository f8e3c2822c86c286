"""The table of model families, by `model_type`.

A family is one module with a record `Family` and one line here. Packages of others add families by
the entry-point group `grelu_models.families`. Needs no torch.
"""

from grelu_models.errors import ModelError
from grelu_models.families import adapted, bpnet, chrombpnet, grelu
from grelu_models.families.family import Family, Options, Statement, check_options
from grelu_models.files.limits import show

__all__ = ["FAMILIES", "Family", "Options", "Statement", "check_options", "find_family"]

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (*grelu.FAMILIES, *adapted.FAMILIES, bpnet.FAMILY, chrombpnet.FAMILY)
}
"""By `model_type`."""


def find_family(kind: object) -> Family:
    """Return the family of a `model_type`.

    Raises
    ------
    ModelError
        If there is none; the message lists those that exist.
    """
    if not isinstance(kind, str) or kind not in FAMILIES:
        raise ModelError(f"unknown model_type {show(kind)}: use one of {', '.join(FAMILIES)}")
    return FAMILIES[kind]
