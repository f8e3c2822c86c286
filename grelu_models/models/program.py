"""A program of `torch.export` as a module, run operator by operator."""

import hashlib
import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from grelu_models.errors import ModelError
from grelu_models.files.limits import show
from grelu_models.files.program import Program, Step
from grelu_models.files.program_arguments import Dtype, Here, Memory, Name
from grelu_models.files.program_file import DTYPES
from grelu_models.files.program_operators import is_in_place

__all__ = ["LARGEST", "ProgramModel"]

LARGEST = 2**32
"""Values of the largest result of a step for one window."""

MEMORY_FORMATS = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}


class ProgramModel(nn.Module):
    """A program of `torch.export`: input -> the chosen output.

    A program for a fixed number of windows gets so many at a time; those that are missing in the
    last block are zeros, and their outputs are dropped.

    Parameters
    ----------
    program : Program
    tensors : dict
        Name in the file -> tensor.
    output : str
        Key of the output.
    source : str
        Name of the file, for error messages.
    """

    graph: Tensor
    """SHA-256 of the program, so that it is part of the digest of the weights."""

    def __init__(
        self, program: Program, tensors: dict[str, Tensor], *, output: str, source: str
    ) -> None:
        super().__init__()
        self._source = source
        self._names = {name: str(i) for i, name in enumerate(tensors)}
        self.tensors = nn.ParameterDict(
            {
                self._names[name]: nn.Parameter(tensor, requires_grad=False)
                for name, tensor in tensors.items()
            }
        )
        self._program = program
        self._output = program.outputs[output]
        self._calls = [_find_operator(step.target) for step in program.steps]
        self._placed = {i for i, call in enumerate(self._calls) if _takes_device(call)}
        self._last = _find_last_uses(program.steps, self._output)
        self._writes = any(is_in_place(step.target) for step in program.steps)
        self._checked: set[torch.Size] = set()
        plain = repr((program, output, self._names)).encode()
        digest = torch.frombuffer(bytearray(hashlib.sha256(plain).digest()), dtype=torch.uint8)
        self.register_buffer("graph", digest)

    def forward(self, x: Tensor) -> Tensor:
        """Run the program, in blocks of its number of windows if that is fixed."""
        self._check_shape(x)
        block = self._program.sizes[0]
        if block is None or len(x) == block:
            return self._run_checked(x)
        parts = []
        for part in x.split(block):
            missing = block - len(part)
            filled = nn.functional.pad(part, (0, 0, 0, 0, 0, missing)) if missing else part
            parts.append(self._run_checked(filled)[: len(part)])
        return torch.cat(parts)

    def _check_shape(self, x: Tensor) -> None:
        """Refuse other lengths than those for which the program was exported."""
        wanted = self._program.sizes
        if any(w not in (None, n) for w, n in zip(wanted[1:], x.shape[1:], strict=True)):
            raise ModelError(
                f"{self._source}: the program was exported for windows of shape {wanted[1:]}, not "
                f"{tuple(x.shape[1:])}: leave out model.window, or export it with a dynamic length"
            )

    def _run_checked(self, x: Tensor) -> Tensor:
        """Run the program, for each new shape first without values, which takes no memory."""
        if x.shape not in self._checked:
            with torch.inference_mode():
                tensors = {key: tensor.to("meta") for key, tensor in self.tensors.items()}
                self._run(torch.empty_like(x, device="meta"), tensors)
            self._checked.add(x.shape)
        return self._run(x)

    def _run(self, x: Tensor, tensors: dict[str, Tensor] | None = None) -> Tensor:
        held = self.tensors if tensors is None else tensors
        values: dict[str, Any] = {
            name: held[self._names[stored]] for name, stored in self._program.tensors.items()
        }
        values[self._program.input] = x.clone() if self._writes else x
        for i, (step, call) in enumerate(zip(self._program.steps, self._calls, strict=True)):
            given = {name: _fill(value, values, x.device) for name, value in step.arguments}
            if i in self._placed:
                given["device"] = x.device
            try:
                result = call(**given) if step.target.startswith("torch") else call(*given.values())
            except Exception as error:
                if isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error):
                    raise
                reason = str(error).split("\n")[0]
                raise ModelError(
                    f"{self._source}: step {i} of the program, {step.target}, fails: {reason}"
                ) from error
            self._store(step, result, values, windows=len(x))
            for name in self._last[i]:
                values.pop(name, None)
        out: Tensor = values[self._output]
        return out

    def _store(self, step: Step, result: Any, values: dict[str, Any], *, windows: int) -> None:
        """Keep the results of a step under their names."""
        names, results = step.outputs, result
        if len(names) == 1 and isinstance(names[0], tuple):  # one result, which is a list
            names = names[0]
        elif len(names) == 1:
            results = (result,)
        for name, value in zip(names, results, strict=True):
            if isinstance(value, Tensor) and value.numel() > LARGEST * windows:
                raise ModelError(
                    f"{self._source}: refused, a result of {step.target} has {value.numel():,} "
                    f"values (at most {LARGEST:,} a window)"
                )
            if name is not None:
                values[name] = value


def _find_operator(target: str) -> Callable[..., Any]:
    """The function of a name that `read_program` has compared with its lists."""
    *_, name, overload = target.split(".")
    if target.startswith("_operator."):
        found: Callable[..., Any] = getattr(operator, overload)
    else:
        found = getattr(getattr(torch.ops.aten, name), overload)
    return found


def _takes_device(call: Callable[..., Any]) -> bool:
    """Whether an operator makes a tensor on a device, which is the CPU if none is given."""
    schema = getattr(call, "_schema", None)
    return schema is not None and any(each.name == "device" for each in schema.arguments)


def _find_last_uses(steps: tuple[Step, ...], output: str) -> list[list[str]]:
    """Names that are not needed after each step, so that memory is freed."""
    needed, last = {output}, []
    for step in reversed(steps):
        used = {name for _, value in step.arguments for name in _list_names(value)}
        used |= {name for name in _list_outputs(step.outputs)}
        last.append([name for name in used if name not in needed])
        needed |= used
    return last[::-1]


def _list_outputs(outputs: tuple[Any, ...]) -> list[str]:
    flat = [part for each in outputs for part in (each if isinstance(each, tuple) else (each,))]
    return [name for name in flat if name is not None]


def _list_names(value: object) -> list[str]:
    if isinstance(value, Name):
        return [value.name]
    if isinstance(value, list):
        return [name for each in value for name in _list_names(each)]
    return []


def _fill(value: object, values: dict[str, Any], device: torch.device) -> object:
    """An argument with results in place of their names."""
    if isinstance(value, Name):
        return values[value.name]
    if isinstance(value, list):
        return [_fill(each, values, device) for each in value]
    if isinstance(value, Dtype):
        if value.code not in DTYPES:
            raise ValueError(f"dtype {show(value.code)} is not known")
        return getattr(torch, DTYPES[value.code])
    if isinstance(value, Memory):
        return MEMORY_FORMATS[value.code]
    if isinstance(value, Here):
        return device
    return value
