"""Programs of `torch.export`: architecture and weights in one file. Needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grelu_models.errors import ModelError
from grelu_models.families.family import Family, Options, Statement
from grelu_models.families.python import OUTPUT
from grelu_models.files.limits import show
from grelu_models.files.program_file import PROGRAM, ProgramFile
from grelu_models.files.weights_file import WeightsFile

if TYPE_CHECKING:
    from torch import nn

__all__ = ["FAMILY"]


def _state(file: WeightsFile, options: Options) -> Statement:
    program = _get_program(file)
    output = _choose_output(program, options)
    sizes = program.program.lengths[output]
    if len(sizes) != 3:
        shown = ", ".join("any" if size is None else str(size) for size in sizes)
        axes = "tracks, bins" if program.layout == "NCL" else "bins, tracks"
        raise ModelError(
            f"{file.path}: the program returns a tensor of shape ({shown}), where (windows, "
            f"{axes}) is wanted, for one value a window with one bin: export a module that "
            "returns it"
        )
    count = sizes[1 if program.layout == "NCL" else 2]
    return Statement(window=program.window, count=count, layout=program.layout)


def _load(file: WeightsFile, options: Options) -> nn.Module:
    from grelu_models.models.own import OwnModel
    from grelu_models.models.program import ProgramModel

    program = _get_program(file)
    output = _choose_output(program, options)
    model = ProgramModel(
        program.program, program.state_dict(), output=output, source=str(file.path)
    )
    return OwnModel(model, layout=program.layout, source=str(file.path))


def _get_program(file: WeightsFile) -> ProgramFile:
    if not isinstance(file, ProgramFile):
        raise ModelError(f"{file.path}: model_type {PROGRAM} needs a file of torch.export.save")
    return file


def _choose_output(file: ProgramFile, options: Options) -> str:
    outputs, given = file.program.outputs, options.get("output")
    if given is None and len(outputs) == 1:
        return next(iter(outputs))
    if str(given) not in outputs:
        stated = f", not {show(given)}" if given is not None else ""
        raise ModelError(
            f"{file.path}: the program returns {', '.join(outputs)}{stated}: set model.output to "
            "one"
        )
    return str(given)


FAMILY = Family(PROGRAM, _state, _load, {"output": OUTPUT})
