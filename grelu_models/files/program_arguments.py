"""The values in a program of `torch.export`: names, and arguments and results of its steps.

An argument is a plain value or the name of an earlier result. What cannot be read is a ValueError
or another error of Python, which `program.read_program` reports. Needs no torch.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from grelu_models.errors import ModelError
from grelu_models.files.limits import show

__all__ = [
    "HERE",
    "WAY_OUT",
    "Dtype",
    "Here",
    "Memory",
    "Name",
    "check_known",
    "read_argument",
    "read_result",
    "read_text",
    "read_whole",
]

WAY_OUT = "load the module itself with model.python instead"


class Name(NamedTuple):
    """A result of an earlier step, an input, or a tensor of the file."""

    name: str


class Dtype(NamedTuple):
    """A dtype by its number in the format."""

    code: int


class Memory(NamedTuple):
    """A memory format by its number in the format."""

    code: int


class Here(NamedTuple):
    """The device on which the program runs, whatever the file says."""


HERE = Here()


def read_argument(where: str, argument: Mapping[str, Any], known: set[str]) -> object:
    """Return an argument of a step.

    Parameters
    ----------
    where : str
        The file, for error messages.
    argument : dict
        Kind -> value.
    known : set of str
        Names of the inputs, of the tensors and of earlier results.

    Raises
    ------
    ModelError
        If its kind is not known.
    """
    ((kind, value),) = argument.items()
    if kind not in READERS:
        raise ModelError(
            f"{where}: refused, an argument of the program is of kind {show(kind)}: {WAY_OUT}"
        )
    return READERS[kind](value, known)


def read_result(output: Mapping[str, Any]) -> Any:
    """Return the name of a result, a tuple for a list of tensors, or None if it is not used."""
    ((kind, value),) = output.items()
    if kind == "as_tensor":
        return read_text(value["name"])
    if kind == "as_tensors":
        return tuple(read_text(each["name"]) for each in value)
    if kind in ("as_sym_int", "as_sym_bool"):
        return read_text(value["as_name"])
    if kind == "as_none":
        return None
    raise ValueError(f"a result of kind {show(kind)}")


def check_known(name: object, known: set[str]) -> Name:
    """Return the name of a value that is computed before."""
    if not isinstance(name, str) or name not in known:
        raise ValueError(f"{show(name)} is used before it is computed")
    return Name(name)


def _read_size(value: Mapping[str, Any], known: set[str]) -> object:
    return (
        check_known(value["as_name"], known) if "as_name" in value else read_whole(value["as_int"])
    )


def _read_optional(value: Mapping[str, Any], known: set[str]) -> object:
    return check_known(value["as_tensor"]["name"], known) if "as_tensor" in value else None


def read_whole(value: object) -> int:
    """Return a whole number of 64 bits."""
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise ValueError(f"{show(value)} is not a whole number of 64 bits")
    return value


def _number(value: object) -> float:
    if type(value) not in (int, float) and value not in ("Infinity", "-Infinity", "NaN"):
        raise ValueError(f"{show(value)} is not a number")
    return float(value)  # type: ignore[arg-type]  # one of these


def _flag(value: object) -> bool:
    if type(value) is not bool:
        raise ValueError(f"{show(value)} is not true or false")
    return value


def read_text(value: object) -> str:
    """Return a name."""
    if type(value) is not str or len(value) > 1000:
        raise ValueError(f"{show(value)} is not a name")
    return value


READERS: dict[str, Callable[[Any, set[str]], object]] = {
    "as_none": lambda value, known: None,
    "as_tensor": lambda value, known: check_known(value["name"], known),
    "as_tensors": lambda value, known: [check_known(each["name"], known) for each in value],
    "as_optional_tensor": _read_optional,
    "as_optional_tensors": lambda value, known: [_read_optional(each, known) for each in value],
    "as_int": lambda value, known: read_whole(value),
    "as_ints": lambda value, known: [read_whole(each) for each in value],
    "as_float": lambda value, known: _number(value),
    "as_floats": lambda value, known: [_number(each) for each in value],
    "as_bool": lambda value, known: _flag(value),
    "as_bools": lambda value, known: [_flag(each) for each in value],
    "as_string": lambda value, known: read_text(value),
    "as_sym_int": _read_size,
    "as_sym_ints": lambda value, known: [_read_size(each, known) for each in value],
    "as_scalar_type": lambda value, known: Dtype(read_whole(value)),
    "as_memory_format": lambda value, known: Memory(read_whole(value)),
    "as_layout": lambda value, known: None,
    "as_device": lambda value, known: HERE,
}
"""Kind of an argument -> function of its value and the names that are known."""
