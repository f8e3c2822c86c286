"""The program in a file of `torch.export`: a list of operators, checked before any of them runs.

torch's own reader of these files unpickles, evaluates text and looks names up in its modules. This
one reads the JSON: operators are compared with a list, arguments are plain values and names of
earlier results, and there is no control flow. Needs no torch.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from grelu_models.errors import ModelError
from grelu_models.files.limits import show
from grelu_models.files.program_operators import ATEN, CHECKS, INTEGERS

__all__ = ["HERE", "Dtype", "Here", "Memory", "Name", "Program", "Step", "read_program"]

MAJOR = 8
"""Major version of the format, of torch since 2.5."""

MOST_STEPS = 100_000

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


@dataclass(frozen=True)
class Step:
    """A call of an operator.

    Attributes
    ----------
    target : str
        A name in `ATEN` or `INTEGERS`.
    arguments : tuple of (str, object)
        Names of parameters and values: plain ones, `Name`, `Dtype`, `Memory`, `HERE`, or lists.
    outputs : tuple
        Names of the results; None for one that is not used; a tuple for a result that is a list.
    """

    target: str
    arguments: tuple[tuple[str, object], ...]
    outputs: tuple[Any, ...]


@dataclass(frozen=True)
class Program:
    """A program with one input.

    Attributes
    ----------
    input : str
        Name of the windows.
    sizes : tuple of (int or None)
        Lengths of the axes of the input; None for one that may have any length.
    tensors : dict
        Name in the program -> name in the file.
    steps : tuple of Step
    outputs : dict
        Name or number of each output -> its name in the program.
    lengths : dict
        The same names -> lengths of the axes of each output, as `sizes`.
    """

    input: str
    sizes: tuple[int | None, ...]
    tensors: dict[str, str]
    steps: tuple[Step, ...]
    outputs: dict[str, str]
    lengths: dict[str, tuple[int | None, ...]]


def read_program(where: str, text: bytes) -> Program:
    """Read a program from its JSON.

    Raises
    ------
    ModelError
        If it is damaged, calls an operator that is not in the list, was exported for training, or
        has other than one input.
    """
    try:
        return _read(where, json.loads(text))
    except ModelError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ModelError(f"{where}: the program cannot be read: {reason}") from error


def _read(where: str, plain: Any) -> Program:
    version = plain["schema_version"]
    if version["major"] != MAJOR:
        raise ModelError(
            f"{where}: version {show(version['major'])} of the format is not known (only {MAJOR}): "
            "export it again with torch 2.5 or newer"
        )
    module = plain["graph_module"]
    graph, signature = module["graph"], module["signature"]
    if len(graph["nodes"]) > MOST_STEPS:
        raise ModelError(f"{where}: refused, more than {MOST_STEPS:,} steps")
    tensors, inputs = _read_inputs(where, signature["input_specs"])
    if len(inputs) != 1:
        names = f": {', '.join(inputs)}" if inputs else ""
        raise ModelError(
            f"{where}: the program has {len(inputs)} inputs{names}: it must take windows of "
            "one-hot bases only; export a module that supplies the others"
        )
    known = {*tensors, *inputs}
    steps = tuple(_read_steps(where, graph["nodes"], known))
    outputs = _read_outputs(where, signature["output_specs"], module["module_call_graph"])
    for name in outputs.values():
        _check_known(name, known)
    values = graph["tensor_values"]
    return Program(
        input=inputs[0],
        sizes=_read_sizes(values[inputs[0]]),
        tensors=tensors,
        steps=steps,
        outputs=outputs,
        lengths={key: _read_sizes(values[name]) for key, name in outputs.items()},
    )


def _read_inputs(where: str, specs: list[Any]) -> tuple[dict[str, str], list[str]]:
    """Tensors of the file, by their names in the program, and the names of the inputs."""
    tensors, inputs = {}, []
    for spec in specs:
        ((kind, content),) = spec.items()
        if kind in ("parameter", "buffer", "tensor_constant"):
            tensors[_text(content["arg"]["name"])] = _text(content[f"{kind}_name"])
        elif kind == "user_input":
            ((form, value),) = content["arg"].items()
            inputs.append(_text(value["name"]) if form == "as_tensor" else form)
        elif kind != "constant_input":  # its value is part of the steps
            raise ModelError(f"{where}: refused, the program has an input of kind {show(kind)}")
    return tensors, inputs


def _read_outputs(where: str, specs: list[Any], calls: list[Any]) -> dict[str, str]:
    """Outputs by their keys in a dict, or else by their numbers."""
    names = []
    for spec in specs:
        ((kind, content),) = spec.items()
        if kind != "user_output":
            raise ModelError(
                f"{where}: refused, the program changes its own state ({show(kind)}): call "
                "model.eval() before torch.export.export"
            )
        names.append(content["arg"].get("as_tensor", {}).get("name"))
    keys = _read_keys(next(call["signature"]["out_spec"] for call in calls if call["fqn"] == ""))
    if len(keys) != len(names):
        raise ModelError(
            f"{where}: the program's outputs are nested: it must return a tensor, or a dict or "
            "tuple of tensors"
        )
    found = {key: name for key, name in zip(keys, names, strict=True) if name is not None}
    if not found:
        raise ModelError(f"{where}: the program returns no tensor")
    return {key: _text(name) for key, name in found.items()}


def _read_keys(spec: str) -> list[str]:
    """Keys of the outputs, from torch's description of what a module returns."""
    tree = json.loads(spec)[1]
    if tree["type"] is None:
        return ["0"]
    if tree["type"] in ("builtins.dict", "collections.OrderedDict"):
        return [str(key) for key in json.loads(tree["context"])]
    return [str(number) for number in range(len(tree["children_spec"]))]


def _read_sizes(tensor: Any) -> tuple[int | None, ...]:
    return tuple(_whole(size["as_int"]) if "as_int" in size else None for size in tensor["sizes"])


def _read_steps(where: str, nodes: list[Any], known: set[str]) -> Iterator[Step]:
    """Check and yield the calls; the names of their results are added to `known`."""
    for node in nodes:
        target = _text(node["target"])
        if target in CHECKS and not node["outputs"]:
            continue
        if target not in ATEN and target not in INTEGERS:
            raise ModelError(
                f"{where}: refused, the program calls {show(target)}, which is not in the list of "
                f"operators that are run: {WAY_OUT}"
            )
        arguments = tuple(
            (_text(each["name"]), _read_argument(where, each["arg"], known))
            for each in node["inputs"]
        )
        if any(name in ("train", "training") and value for name, value in arguments):
            raise ModelError(
                f"{where}: refused, the program was exported for training ({target}): call "
                "model.eval() before torch.export.export"
            )
        outputs = tuple(_read_result(each) for each in node["outputs"])
        known.update(_flatten(outputs))
        yield Step(target, arguments, outputs)


def _flatten(outputs: tuple[Any, ...]) -> Iterator[str]:
    for each in outputs:
        if isinstance(each, tuple):
            yield from each
        elif each is not None:
            yield each


def _read_result(output: Mapping[str, Any]) -> Any:
    ((kind, value),) = output.items()
    if kind == "as_tensor":
        return _text(value["name"])
    if kind == "as_tensors":
        return tuple(_text(each["name"]) for each in value)
    if kind in ("as_sym_int", "as_sym_bool"):
        return _text(value["as_name"])
    if kind == "as_none":
        return None
    raise ValueError(f"a result of kind {show(kind)}")


def _read_argument(where: str, argument: Mapping[str, Any], known: set[str]) -> object:
    ((kind, value),) = argument.items()
    if kind not in READERS:
        raise ModelError(
            f"{where}: refused, an argument of the program is of kind {show(kind)}: {WAY_OUT}"
        )
    return READERS[kind](value, known)


def _check_known(name: object, known: set[str]) -> Name:
    if not isinstance(name, str) or name not in known:
        raise ValueError(f"{show(name)} is used before it is computed")
    return Name(name)


def _read_size(value: Mapping[str, Any], known: set[str]) -> object:
    return _check_known(value["as_name"], known) if "as_name" in value else _whole(value["as_int"])


def _read_optional(value: Mapping[str, Any], known: set[str]) -> object:
    return _check_known(value["as_tensor"]["name"], known) if "as_tensor" in value else None


def _whole(value: object) -> int:
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


def _text(value: object) -> str:
    if type(value) is not str or len(value) > 1000:
        raise ValueError(f"{show(value)} is not a name")
    return value


READERS: dict[str, Callable[[Any, set[str]], object]] = {
    "as_none": lambda value, known: None,
    "as_tensor": lambda value, known: _check_known(value["name"], known),
    "as_tensors": lambda value, known: [_check_known(each["name"], known) for each in value],
    "as_optional_tensor": _read_optional,
    "as_optional_tensors": lambda value, known: [_read_optional(each, known) for each in value],
    "as_int": lambda value, known: _whole(value),
    "as_ints": lambda value, known: [_whole(each) for each in value],
    "as_float": lambda value, known: _number(value),
    "as_floats": lambda value, known: [_number(each) for each in value],
    "as_bool": lambda value, known: _flag(value),
    "as_bools": lambda value, known: [_flag(each) for each in value],
    "as_string": lambda value, known: _text(value),
    "as_sym_int": _read_size,
    "as_sym_ints": lambda value, known: [_read_size(each, known) for each in value],
    "as_scalar_type": lambda value, known: Dtype(_whole(value)),
    "as_memory_format": lambda value, known: Memory(_whole(value)),
    "as_layout": lambda value, known: None,
    "as_device": lambda value, known: HERE,
}
"""Kind of an argument -> function of its value and the names that are known."""
