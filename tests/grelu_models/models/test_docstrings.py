"""Docstrings of public classes list every parameter and state the default that it has."""

import inspect
import re
from ast import literal_eval
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

import pytest

ROOMS = [
    import_module(f"grelu_models.{room}") for room in "layers blocks trunks heads models".split()
]
CLASSES = {
    name: getattr(room, name)
    for room in ROOMS
    for name in room.__all__
    if inspect.isclass(getattr(room, name)) and name != "PointwiseConv"  # torch's constructor
}


@dataclass(frozen=True)
class Entry:
    """Parameters that share a description, without line breaks."""

    names: list[str]
    text: str

    def read_defaults(self) -> dict[str, object]:
        """Defaults that the description states, by parameter."""
        found = re.search(r"Defaults? (?:is|are) (.+?)[.:](?= |$)", self.text)
        if not found:
            return {}
        values = [literal_eval(value) for value in re.split(r", (?!\))| and ", found[1])]
        values = values * len(self.names) if len(values) == 1 else values
        return dict(zip(self.names, values, strict=True))

    def list_references(self) -> list[type]:
        """Public classes that the description refers to."""
        return [CLASSES[name] for name in re.findall(r"`(\w+)`", self.text) if name in CLASSES]


def read_entries(documented: type) -> Iterator[Entry]:
    """Read the section "Parameters" of a docstring."""
    text = inspect.getdoc(documented)
    section = re.search(r"Parameters\n-+\n(.*?)(?=\n\n\w+\n-+\n|\Z)", text, re.S)
    for part in re.split(r"\n(?! )", section[1]):
        head, _, body = part.partition("\n")
        names = head.partition(" : ")[0].replace("*", "").split(", ")
        yield Entry(names, " ".join(body.split()))


def read_parameters(documented: type) -> dict[str, object]:
    """Defaults of a constructor's parameters, except torch's `dtype` and `device`."""
    parameters = inspect.signature(documented).parameters
    return {
        name: parameter.default
        for name, parameter in parameters.items()
        if name not in ("dtype", "device")
    }


def same(one: object, other: object) -> bool:
    """Whether two defaults are equal; False is not 0, and 1 is not 1.0."""
    return one == other and type(one) is type(other)


@pytest.mark.parametrize("name", CLASSES)
def test_every_parameter_is_documented_once(name):
    documented = [name for entry in read_entries(CLASSES[name]) for name in entry.names]
    assert sorted(documented) == sorted(read_parameters(CLASSES[name]))


@pytest.mark.parametrize("name", CLASSES)
def test_defaults_are_those_of_the_constructor(name):
    """A default is stated, or it is that of a class which the description refers to."""
    defaults = read_parameters(CLASSES[name])
    for entry in read_entries(CLASSES[name]):
        stated = entry.read_defaults()
        for parameter in entry.names:
            default = defaults[parameter]
            if parameter in stated:
                assert same(stated[parameter], default), parameter
            elif default is not inspect.Parameter.empty:
                others = [read_parameters(other) for other in entry.list_references()]
                assert any(same(other.get(parameter), default) for other in others), parameter
