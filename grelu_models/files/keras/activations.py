"""Activations in a Keras config: a name, or the config of an activation layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from grelu_models.files.keras.options import LayerOptions
from grelu_models.files.limits import show

__all__ = ["LAYERS", "STANDARD", "Activation", "read_activation", "read_layer"]

LARGEST = 1e30
"""Largest value of a slope or a limit."""


@dataclass(frozen=True)
class Activation:
    """An elementwise function, or a softmax.

    Attributes
    ----------
    name : str
        Keras' name; `hard_sigmoid_2` is that of Keras 2.
    options : dict
        Numbers, or None.
    """

    name: str
    options: dict[str, float | None] = field(default_factory=dict)


PLAIN = (
    *("relu6", "selu", "sigmoid", "silu", "softplus", "softsign", "tanh", "exponential", "mish"),
    *("gelu", "log_sigmoid", "hard_silu", "hard_tanh", "tanh_shrink"),
)
"""Functions without options."""

NAMES: dict[str, Activation] = {name: Activation(name) for name in PLAIN} | {
    "swish": Activation("silu"),
    "hard_swish": Activation("hard_silu"),
    "relu": Activation("relu"),
    "elu": Activation("elu", {"alpha": 1.0}),
    "leaky_relu": Activation("relu", {"negative_slope": 0.2}),
    "softmax": Activation("softmax", {"axis": None}),
    "log_softmax": Activation("log_softmax", {"axis": None}),
    "hard_sigmoid": Activation("hard_sigmoid"),
}
"""Name in a config -> function; an axis of None is the last one."""

STANDARD = (Activation("tanh"), Activation("sigmoid"))
"""Activations of the recurrent layers of torch."""

LAYERS = ("ReLU", "LeakyReLU", "ELU", "Softmax", "ThresholdedReLU")
"""Classes of layers that are activations without variables."""


def read_activation(
    options: LayerOptions, name: str = "activation", *, default: str | None = None
) -> Activation | None:
    """Return the activation that an option names, or else the default; None is the identity.

    Raises
    ------
    ModelError
        If it is not known: a function of the user's own.
    """
    value = options.config.get(name, default)
    if isinstance(value, dict) and value.get("class_name") in ("function", "Activation"):
        inner = value.get("config")
        value = inner.get("activation") if isinstance(inner, dict) else inner
    if value is None or value == "linear":
        return None
    if isinstance(value, dict) and value.get("class_name") in LAYERS:
        config = value.get("config")
        inside = LayerOptions(
            f"{options.where}: {name}",
            config if isinstance(config, dict) else {},
            options.version,
        )
        return read_layer(str(value["class_name"]), inside, 2)
    if isinstance(value, str) and value in NAMES:
        old = value == "hard_sigmoid" and options.version == 2
        return Activation("hard_sigmoid_2") if old else NAMES[value]
    shown = value.get("class_name", value) if isinstance(value, dict) else value
    raise options.refuse(f"{name} {show(shown)} is not one of Keras: use {', '.join(NAMES)}")


def read_layer(kind: str, options: LayerOptions, rank: int) -> Activation | None:
    """Return the function of an activation layer."""

    def read(name: str, default: object, other: str = "") -> float:
        key = other if other in options.config and name not in options.config else name
        return options.number(key, -LARGEST, LARGEST, default)

    if kind == "ReLU":
        most: Any = options.config.get("max_value")
        values: dict[str, float | None] = {
            "negative_slope": read("negative_slope", 0.0),
            "threshold": read("threshold", 0.0),
            "max_value": None if most is None else read("max_value", None),
        }
        return Activation("relu", values)
    if kind == "LeakyReLU":
        return Activation("relu", {"negative_slope": read("negative_slope", 0.3, "alpha")})
    if kind == "ELU":
        return Activation("elu", {"alpha": read("alpha", 1.0)})
    if kind == "ThresholdedReLU":
        return Activation("thresholded", {"theta": read("theta", 1.0)})
    return Activation("softmax", {"axis": float(options.axis("axis", rank))})
