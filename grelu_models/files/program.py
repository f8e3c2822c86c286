"""The program in a file of `torch.export`: a list of operators, checked before any of them runs.

torch's own reader of these files unpickles, evaluates text and looks names up in its modules. This
one reads the JSON: operators are compared with a list, arguments are plain values and names of
earlier results, and there is no control flow. Needs no torch.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from grelu_models.errors import ModelError
from grelu_models.files.limits import show
from grelu_models.files.program_arguments import (
    WAY_OUT,
    check_known,
    read_argument,
    read_result,
    read_text,
    read_whole,
)
from grelu_models.files.program_operators import ATEN, CHECKS, INTEGERS

__all__ = ["Program", "Step", "read_program"]

MAJOR = 8
"""Major version of the format, of torch since 2.5."""

MOST_STEPS = 100_000


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
        check_known(name, known)
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
            tensors[read_text(content["arg"]["name"])] = read_text(content[f"{kind}_name"])
        elif kind == "user_input":
            ((form, value),) = content["arg"].items()
            inputs.append(read_text(value["name"]) if form == "as_tensor" else form)
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
    return {key: read_text(name) for key, name in found.items()}


def _read_keys(spec: str) -> list[str]:
    """Keys of the outputs, from torch's description of what a module returns."""
    tree = json.loads(spec)[1]
    if tree["type"] is None:
        return ["0"]
    if tree["type"] in ("builtins.dict", "collections.OrderedDict"):
        return [str(key) for key in json.loads(tree["context"])]
    return [str(number) for number in range(len(tree["children_spec"]))]


def _read_sizes(tensor: Any) -> tuple[int | None, ...]:
    return tuple(
        read_whole(size["as_int"]) if "as_int" in size else None for size in tensor["sizes"]
    )


def _read_steps(where: str, nodes: list[Any], known: set[str]) -> Iterator[Step]:
    """Check and yield the calls; the names of their results are added to `known`."""
    for node in nodes:
        target = read_text(node["target"])
        if target in CHECKS and not node["outputs"]:
            continue
        if target not in ATEN and target not in INTEGERS:
            raise ModelError(
                f"{where}: refused, the program calls {show(target)}, which is not in the list of "
                f"operators that are run: {WAY_OUT}"
            )
        arguments = tuple(
            (read_text(each["name"]), read_argument(where, each["arg"], known))
            for each in node["inputs"]
        )
        if any(name in ("train", "training") and value for name, value in arguments):
            raise ModelError(
                f"{where}: refused, the program was exported for training ({target}): call "
                "model.eval() before torch.export.export"
            )
        outputs = tuple(read_result(each) for each in node["outputs"])
        known.update(_flatten(outputs))
        yield Step(target, arguments, outputs)


def _flatten(outputs: tuple[Any, ...]) -> Iterator[str]:
    for each in outputs:
        if isinstance(each, tuple):
            yield from each
        elif each is not None:
            yield each
