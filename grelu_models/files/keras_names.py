"""Names of a Keras model's variables, from its config: one naming for every file format.

A variable is `{layer}/{role}`: `conv1d_1/kernel`, `bn/moving_mean`. A layer of a nested model has
its path, `tower/conv1d_1/kernel`; the two directions of a Bidirectional are `rnn/forward/kernel`
and `rnn/backward/kernel`; cells of recurrent layers and layers in a TimeDistributed have no level
of their own. Roles are those of Keras 3.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

__all__ = [
    "MODELS",
    "Variable",
    "get_config",
    "get_layers",
    "get_name",
    "guess_name",
    "name_layers",
]

MODELS = ("Functional", "Model", "Sequential")
"""Classes of nested models."""

CONVOLUTION = "kernel bias?use_bias"
RECURRENT = "kernel recurrent_kernel bias?use_bias"
ROLES = {
    "BatchNormalization": "gamma?scale beta?center moving_mean! moving_variance!",
    "Conv1D": CONVOLUTION,
    "Conv2D": CONVOLUTION,
    "Convolution1D": CONVOLUTION,
    "Dense": CONVOLUTION,
    "DepthwiseConv1D": CONVOLUTION,
    "GRU": RECURRENT,
    "LSTM": RECURRENT,
    "LayerNormalization": "gamma?scale beta?center",
    "PReLU": "alpha",
    "SeparableConv1D": "depthwise_kernel pointwise_kernel bias?use_bias",
}
"""Class -> roles in Keras' order.

`?` names the option that a role depends on, and `!` marks those that are not trained.
"""

WITHOUT = frozenset(
    "InputLayer Activation ReLU LeakyReLU ELU Softmax ThresholdedReLU "
    "MaxPooling1D AveragePooling1D GlobalMaxPooling1D GlobalAveragePooling1D "
    "Add Multiply Average Concatenate Subtract Maximum Minimum Cropping1D ZeroPadding1D Flatten "
    "Reshape Permute Dropout SpatialDropout1D GaussianNoise GaussianDropout AlphaDropout "
    "ActivityRegularization UpSampling1D RepeatVector Masking Identity Lambda".split()
)
"""Classes without variables."""

SYNONYMS = {"depthwise_kernel": "kernel"}
"""Role in a file of Keras 2 -> role, where they differ."""


@dataclass(frozen=True)
class Variable:
    """A variable of a model.

    Attributes
    ----------
    name : str
        `{layer}/{role}`.
    stored : str
        Its path in the weights of a `.keras` file.
    trainable : bool
        Whether it is trained; a `.h5` file lists these first.
    """

    name: str
    stored: str
    trainable: bool

    @property
    def role(self) -> str:
        """Last part of the name."""
        return self.name.rpartition("/")[2]


def get_config(layer: object) -> dict[str, Any]:
    """Return the options of a layer; {} if it has none."""
    config = layer.get("config") if isinstance(layer, dict) else None
    return config if isinstance(config, dict) else {}


def get_name(layer: object) -> str:
    """Return the name of a layer."""
    name = get_config(layer).get("name") or (layer.get("name") if isinstance(layer, dict) else "")
    return name if isinstance(name, str) else ""


def get_layers(model: object) -> list[Any]:
    """Return the layers of a model; Sequential of Keras 2.2 has them instead of its options."""
    config = model.get("config") if isinstance(model, dict) else None
    layers = config.get("layers") if isinstance(config, dict) else config
    return layers if isinstance(layers, list) else []


def name_layers(model: dict[str, Any]) -> dict[str, list[Variable] | None]:
    """List the variables of each layer of a model, in Keras' order.

    Returns
    -------
    dict
        Name of the layer -> variables; None if its class, or one within it, is not known.
    """
    named: dict[str, list[Variable] | None] = {}
    for layer, stored in _number(model):
        named[get_name(layer)] = _list(layer, get_name(layer), f"layers/{stored}", True)
    return named


def _number(model: object) -> list[tuple[Any, str]]:
    """The layers of a model, each with its name in a `.keras` file: its class and a counter."""
    counters: dict[str, int] = {}
    numbered = []
    for i, layer in enumerate(get_layers(model)):
        kind = layer.get("class_name") if isinstance(layer, dict) else None
        if i == 0 and kind == "InputLayer" and model.get("class_name") == "Sequential":  # type: ignore[attr-defined]  # a dict, because it has layers
            continue
        snake = _to_snake_case(str(kind))
        count = counters[snake] = counters.get(snake, -1) + 1
        numbered.append((layer, f"{snake}_{count}" if count else snake))
    return numbered


def _to_snake_case(name: str) -> str:
    """`SeparableConv1D` -> `separable_conv1d`."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _list(layer: object, path: str, stored: str, trained: bool) -> list[Variable] | None:
    """The variables of a layer, or None if they are not known."""
    config = get_config(layer)
    kind = layer.get("class_name") if isinstance(layer, dict) else None
    trained = trained and config.get("trainable", True) is not False
    if kind in MODELS:
        parts: Iterable[list[Variable] | None] = [
            _list(each, f"{path}/{get_name(each)}", f"{stored}/layers/{place}", trained)
            for each, place in _number(layer)
        ]
        return _join(parts)
    if kind == "Bidirectional":
        inner = config.get("layer")
        back = config.get("backward_layer") or inner
        return _join(
            [
                _list(inner, f"{path}/forward", f"{stored}/forward_layer", trained),
                _list(back, f"{path}/backward", f"{stored}/backward_layer", trained),
            ]
        )
    if kind == "TimeDistributed":
        return _list(config.get("layer"), path, f"{stored}/layer", trained)
    if kind in ("GRU", "LSTM"):
        stored += "/cell"
    if not isinstance(kind, str) or kind not in ROLES:
        return [] if isinstance(kind, str) and kind in WITHOUT else None
    roles = [role.partition("?") for role in ROLES[kind].split()]
    kept = [role for role, _, option in roles if not option or config.get(option, True)]
    return [
        Variable(f"{path}/{role.rstrip('!')}", f"{stored}/vars/{i}", trained and role[-1] != "!")
        for i, role in enumerate(kept)
    ]


def _join(parts: Iterable[list[Variable] | None]) -> list[Variable] | None:
    """Variables of several layers, those that are trained first; None if any are not known."""
    joined: list[Variable] = []
    for part in parts:
        if part is None:
            return None
        joined += part
    return joined


def guess_name(layer: str, stored: str) -> str:
    """Name of a variable from its path in a `.h5` file alone.

    Examples
    --------
    >>> guess_name("conv1d_1", "conv1d_1/kernel:0")
    'conv1d_1/kernel'
    >>> guess_name("rnn", "rnn/forward_gru/gru_cell/kernel:0")
    'rnn/forward/kernel'
    """
    *path, role = stored.removesuffix(":0").split("/")
    role = re.sub(r"_\d+$", "", role)
    path = path[1:] if path and re.fullmatch(rf"{re.escape(layer)}(_\d+)?", path[0]) else path
    path = [part for part in path if not re.fullmatch(r"(gru|lstm)_cell(_\d+)?", part)]
    path = [re.sub(r"^(forward|backward)_.*", r"\1", part) for part in path]
    return "/".join([layer, *path, role])
