"""Options of a layer from an untrusted config, read within limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grelu_models.errors import ModelError
from grelu_models.files.architecture import Check, is_bool, number, whole
from grelu_models.files.limits import show

__all__ = ["KERNEL", "LARGEST", "LENGTH", "WIDTH", "LayerOptions", "Shape"]

Shape = tuple[int | None, ...]
"""Shape of a value without the batch: (length, channels) or (features,). None is not known."""

LENGTH, WIDTH, KERNEL = 2**21, 1_000_000, 100_000
"""Largest length that a config states, number of channels, and width of a kernel or pool."""

LARGEST = 2**31
"""Numbers in the largest output of a layer, for one window of the length that a config states."""


class LayerOptions:
    """The options of one layer.

    Parameters
    ----------
    where : str
        File, name and class of the layer, for error messages.
    config : dict
        As in the file.
    version : int
        2 or 3: that of the Keras that wrote the file.
    """

    def __init__(self, where: str, config: dict[str, Any], version: int) -> None:
        self.where, self.config, self.version = where, config, version

    def refuse(self, reason: str) -> ModelError:
        """Return an error about this layer."""
        return ModelError(f"{self.where}: {reason}")

    def check(self, name: str, value: Any, kind: tuple[str, Check]) -> Any:
        """Return a value within its limits."""
        wanted, check = kind
        if not check(value):
            raise self.refuse(f"{name} must be {wanted}, not {show(value)}")
        return value

    def whole(self, name: str, low: int, high: int, default: object = None) -> int:
        """Return a whole number; a list of one, as in the options of 1D layers, counts as it."""
        value = self.config.get(name, default)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        return int(self.check(name, value, whole(low, high)))

    def number(self, name: str, low: float, high: float, default: object = None) -> float:
        """Return a number; Keras sometimes writes it as an array of one value."""
        value = self.config.get(name, default)
        if isinstance(value, dict):
            config = value.get("config")
            value = value.get("value", config.get("value") if isinstance(config, dict) else None)
        return float(self.check(name, value, number(low, high)))

    def flag(self, name: str, default: bool) -> bool:
        """Return true or false."""
        return bool(self.check(name, self.config.get(name, default), ("true or false", is_bool)))

    def choose(self, name: str, known: Sequence[object], default: object) -> Any:
        """Return one of the known values."""
        value = self.config.get(name, default)
        if not any(type(value) is type(one) and value == one for one in known):
            raise self.refuse(
                f"{name} {show(value)} is not supported: use {' or '.join(map(str, known))}"
            )
        return value

    def pair(self, name: str, default: object) -> tuple[int, int]:
        """Return numbers of positions left and right."""
        value = self.config.get(name, default)
        while isinstance(value, list) and len(value) == 1:
            value = value[0]
        both = value if isinstance(value, list) else [value, value]
        if len(both) != 2:
            raise self.refuse(f"{name} must be two whole numbers, not {show(value)}")
        left, right = (self.check(name, one, whole(0, LENGTH)) for one in both)
        return int(left), int(right)

    def axis(self, name: str, rank: int, default: object = -1) -> int:
        """Return an axis of a value as an index of its shape without the batch."""
        value = self.config.get(name, default)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        wanted = f"an axis of {rank + 1} (not the batch)"
        index = int(self.check(name, value, (wanted, whole(-rank, rank)[1])))
        if not index:
            raise self.refuse(f"{name} must be {wanted}, not 0")
        return index - 1 if index > 0 else rank + index

    def refuse_if(self, name: str, default: object, reason: str) -> None:
        """Refuse a layer in which an option is set that is not supported."""
        if self.config.get(name, default):
            raise self.refuse(f"{name} is not supported: {reason}")
