"""Rules of the layers without variables: options within limits, and the shape of the output."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from grelu_models.files.architecture import whole
from grelu_models.files.keras.activations import LAYERS, read_activation, read_layer
from grelu_models.files.keras.options import KERNEL, LENGTH, LayerOptions, Shape
from grelu_models.files.keras.weights import Ruled, get_channels, show_shape, slide

__all__ = ["IDENTITIES", "MERGES", "RULES"]

IDENTITIES = (
    *("Dropout", "SpatialDropout1D", "GaussianNoise", "GaussianDropout", "AlphaDropout"),
    *("ActivityRegularization", "Identity"),
)
"""Classes of layers that do nothing in prediction."""

MERGES = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
"""Classes of layers that combine inputs value by value."""


def _identity(options: LayerOptions, shapes: list[Shape]) -> Ruled:
    return shapes[0], {}


def _activate(options: LayerOptions, shapes: list[Shape]) -> Ruled:
    return shapes[0], {"activation": read_activation(options)}


def _activate_as(kind: str, options: LayerOptions, shapes: list[Shape]) -> Ruled:
    return shapes[0], {"activation": read_layer(kind, options, len(shapes[0]))}


def _pool(kind: str, options: LayerOptions, shapes: list[Shape]) -> Ruled:
    channels = get_channels(options, shapes[0], rank=2)
    options.choose("data_format", ("channels_last",), "channels_last")
    size = options.whole("pool_size", 1, KERNEL, 2)
    stride = size if options.config.get("strides") is None else options.whole("strides", 1, KERNEL)
    padding = options.choose("padding", ("valid", "same"), "valid")
    length = slide(options, shapes[0][0], kernel=size, stride=stride, padding=padding)
    read = {"kind": kind, "size": size, "stride": stride, "padding": padding}
    return (length, channels), read


def _pool_all(kind: str, options: LayerOptions, shapes: list[Shape]) -> Ruled:
    channels = get_channels(options, shapes[0], rank=2)
    options.choose("data_format", ("channels_last",), "channels_last")
    kept = options.flag("keepdims", False)
    return ((1, channels) if kept else (channels,)), {"kind": kind, "keepdims": kept}


def _merge(kind: str, options: LayerOptions, shapes: list[Shape]) -> Ruled:
    if len({len(shape) for shape in shapes}) > 1:
        raise options.refuse(f"its inputs have other numbers of axes: {_show(shapes)}")
    merged: list[int | None] = []
    for sizes in zip(*shapes, strict=True):
        known = {size for size in sizes if size not in (1, None)}
        if len(known) > 1:
            raise options.refuse(f"its inputs have other shapes: {_show(shapes)}")
        merged.append(known.pop() if known else None if None in sizes else 1)
    if kind == "Subtract" and len(shapes) != 2:
        raise options.refuse(f"it has {len(shapes)} inputs, not 2")
    return tuple(merged), {"kind": kind}


def _show(shapes: list[Shape]) -> str:
    return " and ".join(map(show_shape, shapes[:5]))


def _concatenate(options: LayerOptions, shapes: list[Shape]) -> Ruled:
    rank = len(shapes[0])
    axis = options.axis("axis", rank)
    if any(len(shape) != rank for shape in shapes):
        raise options.refuse(f"its inputs have other numbers of axes: {_show(shapes)}")
    joined: list[int | None] = []
    for i, sizes in enumerate(zip(*shapes, strict=True)):
        known = [size for size in sizes if size is not None]
        if i == axis:
            joined.append(sum(known) if len(known) == len(sizes) else None)
        elif len({*known}) > 1:
            raise options.refuse(f"its inputs have other shapes: {_show(shapes)}")
        else:
            joined.append(known[0] if known else None)
    return tuple(joined), {"axis": axis}


def _crop(options: LayerOptions, shapes: list[Shape]) -> Ruled:
    channels = get_channels(options, shapes[0], rank=2)
    left, right = options.pair("cropping", [1, 1])
    length = shapes[0][0]
    after = None if length is None else length - left - right
    if after is not None and after < 1:
        raise options.refuse(f"it crops {left} + {right} of {length} positions")
    return (after, channels), {"left": left, "right": right}


def _pad(options: LayerOptions, shapes: list[Shape]) -> Ruled:
    channels = get_channels(options, shapes[0], rank=2)
    options.choose("data_format", ("channels_last",), "channels_last")
    left, right = options.pair("padding", [1, 1])
    length = shapes[0][0]
    after = None if length is None else length + left + right
    return (after, channels), {"left": left, "right": right}


def _upsample(options: LayerOptions, shapes: list[Shape]) -> Ruled:
    channels = get_channels(options, shapes[0], rank=2)
    size = options.whole("size", 1, 1000, 2)
    length = shapes[0][0]
    return (None if length is None else length * size, channels), {"size": size}


def _repeat(options: LayerOptions, shapes: list[Shape]) -> Ruled:
    if len(shapes[0]) != 1:
        raise options.refuse(f"its input has shape {show_shape(shapes[0])}, not (features)")
    count = options.whole("n", 1, LENGTH)
    return (count, *shapes[0]), {"count": count}


def _flatten(options: LayerOptions, shapes: list[Shape]) -> Ruled:
    options.choose("data_format", ("channels_last", None), "channels_last")
    sizes = [size for size in shapes[0] if size is not None]
    whole_known = len(sizes) == len(shapes[0])
    return (math.prod(sizes) if whole_known else None,), {}


def _reshape(options: LayerOptions, shapes: list[Shape]) -> Ruled:
    wanted = options.config.get("target_shape")
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= 2:
        raise options.refuse(
            "target_shape must be (features) or (length, channels), "
            f"not {tuple(wanted) if isinstance(wanted, list) and len(wanted) < 9 else '…'}"
        )
    for size in wanted:
        options.check("target_shape", size, whole(-1, LENGTH))
    if wanted.count(-1) > 1 or 0 in wanted:
        raise options.refuse(f"target_shape {wanted} is ambiguous")
    sizes = [size for size in shapes[0] if size is not None]
    rest = math.prod(size for size in wanted if size != -1)
    total = math.prod(sizes) if len(sizes) == len(shapes[0]) else None
    if total is not None and (total % rest if -1 in wanted else total != rest):
        raise options.refuse(f"target_shape {wanted} does not hold {total:,} values")
    free = None if total is None else total // rest
    return tuple(free if size == -1 else size for size in wanted), {"shape": tuple(wanted)}


def _permute(options: LayerOptions, shapes: list[Shape]) -> Ruled:
    rank = len(shapes[0])
    order = options.config.get("dims")
    if not isinstance(order, list) or order not in ([1], [1, 2], [2, 1]) or len(order) != rank:
        raise options.refuse(f"dims must list the {rank} axes, from 1")
    return tuple(shapes[0][axis - 1] for axis in order), {"swap": order == [2, 1]}


Rule = Callable[[LayerOptions, list[Shape]], Ruled]

RULES: dict[str, Rule] = {
    "Activation": _activate,
    **{kind: _identity for kind in IDENTITIES},
    **{kind: partial(_activate_as, kind) for kind in LAYERS},
    **{kind: partial(_merge, kind) for kind in MERGES},
    "MaxPooling1D": partial(_pool, "max"),
    "AveragePooling1D": partial(_pool, "average"),
    "GlobalMaxPooling1D": partial(_pool_all, "max"),
    "GlobalAveragePooling1D": partial(_pool_all, "average"),
    "Concatenate": _concatenate,
    "Cropping1D": _crop,
    "ZeroPadding1D": _pad,
    "UpSampling1D": _upsample,
    "RepeatVector": _repeat,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
}
"""Class -> rule: (options, shapes of the inputs) -> shape of the output, options that were read."""
