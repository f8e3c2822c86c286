"""Families that installed packages add, by the entry-point group `grelu_models.families`.

The name of the entry point is the `model_type`. Only the package of the requested type is imported.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from grelu_models.errors import ModelError
from grelu_models.families.family import Family, Options, Statement
from grelu_models.files.limits import show
from grelu_models.files.weights_file import WeightsFile

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from torch import nn

__all__ = ["GROUP", "KNOWN", "find_plugin"]

GROUP = "grelu_models.families"

KNOWN = {
    "alphagenome": "grelu-tracks-alphagenome (pip install ./examples/plugins/alphagenome, a folder "
    "of the grelu-tracks repository)"
}
"""`model_type` -> the package that adds it, and how it is installed."""


def find_plugin(kind: str) -> Family | None:
    """Import the family that an installed package adds for a `model_type`.

    Returns
    -------
    Family or None
        None if no package adds it.

    Raises
    ------
    ModelError
        If two packages add it, or the package cannot be imported, or what it adds is no family of
        this name.
    """
    from importlib.metadata import entry_points  # not needed for our own families

    found = list(entry_points(group=GROUP, name=kind))
    if not found:
        return None
    names = sorted({_name_package(point) for point in found})
    if len(found) > 1:
        raise ModelError(
            f"model_type {show(kind)} is added by {len(found)} packages, {', '.join(names)}: "
            "uninstall all but one"
        )
    (point,), (package,) = found, names
    try:
        family = point.load()
    except Exception as error:
        raise ModelError(
            f"model_type {show(kind)}: the package {package} cannot be imported: "
            f"{_show_error(error)}: repair or update it"
        ) from error
    if not isinstance(family, Family):
        raise ModelError(
            f"model_type {show(kind)}: the package {package} adds {point.value}, which is a "
            f"{type(family).__name__} and not a grelu_models.families.Family: update the package"
        )
    if family.name != kind:
        raise ModelError(
            f"model_type {show(kind)}: the package {package} adds a family of the name "
            f"{show(family.name)} for it: update the package"
        )
    return _guard(family, package)


def _guard(family: Family, package: str) -> Family:
    """The same family, whose errors name the package, and whose results are checked."""

    def state(file: WeightsFile, options: Options) -> Statement:
        try:
            statement = family.state(file, options)
        except ModelError:
            raise
        except Exception as error:
            raise _blame(file, package, "describe it", error) from error
        if not isinstance(statement, Statement):
            raise ModelError(
                f"{file.path}: the package {package} states a {type(statement).__name__} instead "
                "of a grelu_models.families.Statement: update the package"
            )
        return statement

    def load(file: WeightsFile, options: Options) -> nn.Module:
        from torch import nn

        try:
            model = family.load(file, options)
        except ModelError:
            raise
        except Exception as error:
            raise _blame(file, package, "load it", error) from error
        if not isinstance(model, nn.Module):
            raise ModelError(
                f"{file.path}: the package {package} loads a {type(model).__name__} instead of a "
                "torch.nn.Module: update the package"
            )
        return model.eval()

    return replace(family, state=state, load=load)


def _blame(file: WeightsFile, package: str, task: str, error: Exception) -> ModelError:
    return ModelError(
        f"{file.path}: the package {package} cannot {task}: {_show_error(error)}: check the "
        "weights and options, or update the package"
    )


def _show_error(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"


def _name_package(point: EntryPoint) -> str:
    package = point.dist
    return f"{package.name} {package.version}" if package else point.value.partition(":")[0]
