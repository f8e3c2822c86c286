"""Modules of the user's own: the family of the config's key `model.python`.

It alone runs code that is not part of an installed package. No file and no `model.architecture` can
select it. Needs no torch until a module is loaded.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from grelu_models.errors import ModelError
from grelu_models.families.family import Family, Options, Statement
from grelu_models.families.own_code import OwnCode, list_parameters, report_errors, run_code
from grelu_models.files.architecture import MOST_TRACKS, Check, whole
from grelu_models.files.metadata import Metadata
from grelu_models.files.weights_file import WeightsFile, open_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["LAYOUT", "OUTPUT", "REFUSED", "OwnWeights", "digest_own", "make_family"]

MOST_OUTPUTS = 1000


def is_output(value: object) -> bool:
    """Whether a value can name an output: a key, or an index."""
    return isinstance(value, str) or (type(value) is int and 0 <= value < MOST_OUTPUTS)


LAYOUT: tuple[str, Check] = ("NCL or NLC", lambda value: value in ("NCL", "NLC"))
OUTPUT: tuple[str, Check] = ("the key or the index of an output", is_output)
"""Options of families whose modules come from elsewhere, as in `Family.limits`."""


class OwnWeights:
    """A weights file that the user's code may read in its own way; it states nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def metadata(self) -> Metadata:
        """See `WeightsFile`."""
        return Metadata()

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """See `WeightsFile`."""
        return open_weights(self.path).shapes()

    def state_dict(self) -> dict[str, Tensor]:
        """See `WeightsFile`."""
        return open_weights(self.path).state_dict()


def make_family(code: OwnCode) -> Family:
    """Make the family of one function of the user's."""
    limits = {"n_tasks": whole(1, MOST_TRACKS), "layout": LAYOUT, "output": OUTPUT}
    return Family("python", _state, lambda file, options: _load(code, file, options), limits)


def _state(file: WeightsFile, options: Options) -> Statement:
    return Statement(count=options.get("n_tasks"), layout=options.get("layout", "NCL"))


def _load(code: OwnCode, file: WeightsFile, options: Options) -> nn.Module:
    """Run the function; without a parameter, its module gets the weights here, strictly."""
    from torch import nn

    from grelu_models.files.weights import load_weights
    from grelu_models.models.own import OwnModel

    function = run_code(code)
    needed = list_parameters(function)
    if len(needed) > 1:
        raise ModelError(
            f"model.python: {code.name} of {code.file} needs {', '.join(needed)}: it must take the "
            "path of the weights, or nothing"
        )
    with report_errors(code):
        model = function(**{name: file.path for name in needed})
    if not isinstance(model, nn.Module):
        raise ModelError(
            f"model.python: {code.name} of {code.file} returns {_name_type(model)}: it must return "
            "a torch.nn.Module"
        )
    if not needed:
        load_weights(model, file.state_dict(), source=str(file.path))
    layout = options.get("layout", "NCL")
    return OwnModel(model, output=options.get("output"), layout=layout, source=code.file)


def _name_type(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def digest_own(code: OwnCode, weights: Path, *described: object) -> str:
    """Return the sha256 (hex) of a function, its source file, a weights file, and `described`.

    Nothing is run, so that others can verify a finished run.
    """
    with weights.open("rb") as file:
        held = hashlib.file_digest(file, "sha256").hexdigest()
    parts = (code.name, code.sha256, held, *described)
    return hashlib.sha256("".join(f"{part!r}\n" for part in parts).encode()).hexdigest()


def _refuse(file: WeightsFile, options: Options) -> Statement:
    raise ModelError(
        f"{file.path}: model_type python would run code, which neither a file nor "
        "model.architecture can ask for: set model.python to module:function in the config"
    )


def _refuse_load(file: WeightsFile, options: Options) -> nn.Module:
    raise AssertionError("refused by its statement")


REFUSED = Family("python", _refuse, _refuse_load)
"""What `model_type: python` in a file or in `model.architecture` stands for."""
