"""Rules of the layers with variables: options within limits, and the shape of the output."""

from __future__ import annotations

from typing import Any

from grelu_models.files.keras.activations import STANDARD, read_activation
from grelu_models.files.keras.options import KERNEL, WIDTH, LayerOptions, Shape
from grelu_models.files.limits import show

__all__ = ["RULES", "Ruled", "get_channels", "slide"]

Ruled = tuple[Shape, dict[str, Any]]
"""Shape of the output, and the options that were read."""


def get_channels(options: LayerOptions, shape: Shape, *, rank: int | None = None) -> int:
    """Return the last size of an input, which must be known; `rank` is that which it must have."""
    if rank is not None and len(shape) != rank:
        raise options.refuse(f"its input has shape {show_shape(shape)}, not (length, channels)")
    channels = shape[-1] if shape else None
    if channels is None:
        raise options.refuse("the number of its input channels is not known from the config")
    return channels


def show_shape(shape: Shape) -> str:
    """Return a shape with its batch, as Keras shows it."""
    return f"({', '.join(str(size) for size in (None, *shape))})"


def slide(
    options: LayerOptions, length: int | None, *, kernel: int, stride: int, padding: str
) -> int | None:
    """Return the length after a kernel of that width (dilated) slides over an input."""
    if length is None:
        return None
    after = -(-length // stride) if padding != "valid" else (length - kernel) // stride + 1
    if after < 1:
        raise options.refuse(f"its input of {length:,} positions is shorter than {kernel:,}")
    return after


def _read_sliding(options: LayerOptions, *paddings: str) -> dict[str, Any]:
    options.choose("data_format", ("channels_last",), "channels_last")
    return {
        "kernel": options.whole("kernel_size", 1, KERNEL),
        "stride": options.whole("strides", 1, KERNEL, 1),
        "dilation": options.whole("dilation_rate", 1, KERNEL, 1),
        "padding": options.choose("padding", paddings, "valid"),
        "bias": options.flag("use_bias", True),
        "activation": read_activation(options),
    }


def _convolve(options: LayerOptions, shapes: list[Shape]) -> Ruled:
    channels = get_channels(options, shapes[0], rank=2)
    read = _read_sliding(options, "valid", "same", "causal")
    filters = options.whole("filters", 1, WIDTH)
    groups = options.whole("groups", 1, WIDTH, 1)
    if channels % groups or filters % groups:
        raise options.refuse(
            f"{channels} channels or {filters} filters do not form {groups} groups"
        )
    read |= {"channels": channels, "filters": filters, "groups": groups}
    return (_slide(options, shapes[0][0], read), filters), read


def _convolve_each(options: LayerOptions, shapes: list[Shape]) -> Ruled:
    channels = get_channels(options, shapes[0], rank=2)
    read = _read_sliding(options, "valid", "same")
    multiplier = options.whole("depth_multiplier", 1, WIDTH, 1)
    read |= {"channels": channels, "multiplier": multiplier}
    width = channels * multiplier
    if width > WIDTH:
        raise options.refuse(f"{width:,} channels (at most {WIDTH:,})")
    return (_slide(options, shapes[0][0], read), width), read


def _convolve_separably(options: LayerOptions, shapes: list[Shape]) -> Ruled:
    channels = get_channels(options, shapes[0], rank=2)
    read = _read_sliding(options, "valid", "same", "causal")
    multiplier = options.whole("depth_multiplier", 1, WIDTH, 1)
    filters = options.whole("filters", 1, WIDTH)
    if channels * multiplier > WIDTH:
        raise options.refuse(f"{channels * multiplier:,} channels (at most {WIDTH:,})")
    read |= {"channels": channels, "multiplier": multiplier, "filters": filters}
    return (_slide(options, shapes[0][0], read), filters), read


def _slide(options: LayerOptions, length: int | None, read: dict[str, Any]) -> int | None:
    kernel = (read["kernel"] - 1) * read["dilation"] + 1
    stride, padding = read["stride"], read["padding"]
    return slide(options, length, kernel=kernel, stride=stride, padding=padding)


def _connect(options: LayerOptions, shapes: list[Shape]) -> Ruled:
    channels = get_channels(options, shapes[0])
    units = options.whole("units", 1, WIDTH)
    read = {
        "channels": channels,
        "units": units,
        "bias": options.flag("use_bias", True),
        "activation": read_activation(options),
    }
    return (*shapes[0][:-1], units), read


def _normalise(options: LayerOptions, shapes: list[Shape]) -> Ruled:
    rank = len(shapes[0])
    if options.axis("axis", rank) != rank - 1:
        raise options.refuse("it normalises along another axis than the last one")
    options.refuse_if("rms_scaling", False, "the mean must be subtracted")
    read: dict[str, Any] = {
        "channels": get_channels(options, shapes[0]),
        "epsilon": options.number("epsilon", 0, 1e6, 1e-3),
        "center": options.flag("center", True),
        "scale": options.flag("scale", True),
    }
    return shapes[0], read


def _slope(options: LayerOptions, shapes: list[Shape]) -> Ruled:
    shape = list(shapes[0])
    shared = options.config.get("shared_axes") or []
    for axis in shared if isinstance(shared, list) else [shared]:
        each = LayerOptions(options.where, {"shared_axes": axis}, options.version)
        shape[each.axis("shared_axes", len(shape))] = 1
    if None in shape:
        raise options.refuse("it has a slope per position, but the window is not fixed")
    return shapes[0], {"shape": tuple(shape)}


MOST_POSITIONS = {True: 200_000, False: 20_000}
"""Positions of a recurrent layer by whether torch computes it; others run step by step."""


def _check_positions(options: LayerOptions, length: int | None, read: dict[str, Any]) -> None:
    chosen = (read["activation"], read["recurrent_activation"])
    most = MOST_POSITIONS[chosen == STANDARD and (read["kind"] == "LSTM" or read["reset_after"])]
    if length is not None and length > most:
        raise options.refuse(f"refused, it runs over {length:,} positions (at most {most:,})")


def read_recurrent(options: LayerOptions, shapes: list[Shape], kind: str) -> Ruled:
    """Read a GRU or an LSTM."""
    options.refuse_if("return_state", False, "only its sequence or last output is used")
    options.refuse_if("stateful", False, "windows do not depend on each other")
    options.refuse_if("time_major", False, "the batch comes first")
    units, sequences = (
        options.whole("units", 1, WIDTH // 4),
        options.flag("return_sequences", False),
    )
    read = {
        "kind": kind,
        "channels": get_channels(options, shapes[0], rank=2),
        "units": units,
        "bias": options.flag("use_bias", True),
        "activation": read_activation(options, default="tanh"),
        "recurrent_activation": read_activation(options, "recurrent_activation", default="sigmoid"),
        "reset_after": options.flag("reset_after", options.version == 3),
        "sequences": sequences,
        "backwards": options.flag("go_backwards", False),
    }
    _check_positions(options, shapes[0][0], read)
    return ((shapes[0][0], units) if sequences else (units,)), read


def _read_both(options: LayerOptions, shapes: list[Shape]) -> Ruled:
    """A Bidirectional: two recurrent layers, and how their outputs are merged."""
    merge = options.choose("merge_mode", ("concat", "sum", "mul", "ave"), "concat")
    forward = options.config.get("layer")
    backward = options.config.get("backward_layer")
    (shape, ahead), (_, behind) = (
        _read_inner(options, shapes, layer) for layer in (forward, backward or forward)
    )
    if not isinstance(backward, dict):
        behind["backwards"] = not ahead["backwards"]
    if (ahead["sequences"], ahead["units"]) != (behind["sequences"], behind["units"]):
        raise options.refuse("its two directions have other shapes")
    if ahead["backwards"] == behind["backwards"]:
        raise options.refuse("its two directions are the same")
    width: int = ahead["units"] * (2 if merge == "concat" else 1)
    return (*shape[:-1], width), {"merge": merge, "forward": ahead, "backward": behind}


def _read_inner(options: LayerOptions, shapes: list[Shape], layer: object) -> Ruled:
    kind = layer.get("class_name") if isinstance(layer, dict) else None
    config = layer.get("config") if isinstance(layer, dict) else None
    if kind not in ("GRU", "LSTM") or not isinstance(config, dict):
        raise options.refuse(f"its layer is a {show(kind)}, not a GRU or LSTM")
    inner = LayerOptions(f"{options.where}: layer", config, options.version)
    return read_recurrent(inner, shapes, kind)


def _distribute(options: LayerOptions, shapes: list[Shape]) -> Ruled:
    layer = options.config.get("layer")
    config = layer.get("config") if isinstance(layer, dict) else None
    kind = layer.get("class_name") if isinstance(layer, dict) else None
    if kind != "Dense" or not isinstance(config, dict):
        raise options.refuse(f"its layer is a {show(kind)}, not a Dense")
    get_channels(options, shapes[0], rank=2)
    return _connect(LayerOptions(f"{options.where}: layer", config, options.version), shapes)


RULES = {
    "Conv1D": _convolve,
    "Convolution1D": _convolve,
    "DepthwiseConv1D": _convolve_each,
    "SeparableConv1D": _convolve_separably,
    "Dense": _connect,
    "TimeDistributed": _distribute,
    "BatchNormalization": _normalise,
    "LayerNormalization": _normalise,
    "PReLU": _slope,
    "GRU": lambda options, shapes: read_recurrent(options, shapes, "GRU"),
    "LSTM": lambda options, shapes: read_recurrent(options, shapes, "LSTM"),
    "Bidirectional": _read_both,
}
"""Class -> rule: (options, shapes of the inputs) -> shape of the output, options that were read."""
