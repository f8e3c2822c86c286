"""Limits of an architecture from an untrusted file, by the name of the argument.

All families use a name in one meaning, and so do the options of the adapters. The largest published
models are far below each limit. Needs no torch.
"""

import re
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any, cast

from grelu_models.errors import ModelError
from grelu_models.files.limits import check_nested, show

__all__ = ["LONGEST_WINDOW", "MOST_TRACKS", "check_architecture"]

LONGEST_WINDOW = 100_000_000
"""Base pairs."""

MOST_TRACKS = 100_000

LAYERS, WIDTH, KERNEL, POOL, HEADS = 100, 100_000, 10_000, 100_000, 1024

MOST_VALUES = 10_000
"""Values in an architecture."""

Check = Callable[[object], bool]


def whole(low: int, high: int) -> tuple[str, Check]:
    """Description and check of a whole number within limits."""

    def check(value: object) -> bool:
        return isinstance(value, Integral) and not is_bool(value) and low <= int(value) <= high

    return f"a whole number from {low:,} to {high:,}", check


def number(low: float, high: float) -> tuple[str, Check]:
    """Description and check of a number within limits."""

    def check(value: Any) -> bool:
        return (
            isinstance(value, Real)
            and not is_bool(value)
            and bool(low <= cast(float, value) <= high)
        )

    return f"a number from {low:,} to {high:,}", check


def is_bool(value: object) -> bool:
    """Whether a value is true or false, of Python or numpy."""
    return isinstance(value, bool) or type(value).__name__ == "bool_"


def is_name(value: object) -> bool:
    """Whether a value is a short text."""
    return isinstance(value, str) and len(value) <= 100


def is_norm(value: object) -> bool:
    """Whether a value holds arguments of a torch norm."""
    return isinstance(value, Mapping) and all(
        is_name(key) and (option is None or is_bool(option) or number(-1e6, 1e6)[1](option))
        for key, option in value.items()
    )


def are_widths(value: object) -> bool:
    """Whether a value lists the widths of hidden layers."""
    check = whole(1, WIDTH)[1]
    return isinstance(value, list | tuple) and len(value) <= LAYERS and all(map(check, value))


def either(one: tuple[str, Check], *others: object) -> tuple[str, Check]:
    """Description and check of a value that may also be one of `others`."""
    known = " or ".join("null" if other is None else str(other) for other in others)

    def check(value: object) -> bool:
        return one[1](value) or any(type(value) is type(o) and value == o for o in others)

    return f"{one[0]}, or {known}", check


FLAG, NAME = ("true or false", is_bool), ("a name", is_name)
POSITIONS = whole(0, LONGEST_WINDOW)

ARGUMENTS: dict[str, tuple[str, Check]] = {
    name: kind
    for names, kind in {
        "n_conv n_gru num_downsamples": whole(1, LAYERS),
        "n_transformers depth": whole(0, LAYERS),
        "channels stem_channels channel_init init_channels key_len value_len n_pos_features dim "
        "attn_dim_key attn_dim_value": whole(1, WIDTH),
        "kernel_size stem_kernel_size": whole(1, KERNEL),
        "n_heads heads": whole(1, HEADS),
        "dilation_init": whole(1, LONGEST_WINDOW),
        "channel_mult dilation_mult": number(0, 1000),
        "dropout attn_dropout pos_dropout ff_dropout": number(0, 1),
        "seq_len in_len": whole(1, LONGEST_WINDOW),
        "fold": whole(0, 1000),
        "act_func mlp_act_func final_act_func pool_func final_pool_func": either(NAME, None),
        "norm conv_norm gru_norm mlp_norm residual use_tf_gamma flashed": FLAG,
        "head": NAME,
    }.items()
    for name in names.split()
} | {
    "n_tasks": either(whole(1, MOST_TRACKS), None),
    "crop_len": either(POSITIONS, "auto"),
    "pool_size": either(whole(1, POOL), None),
    "position_length": either(whole(1, LONGEST_WINDOW), None),
    "flash_attn": either(FLAG, "flashzoi"),
    "norm_kwargs": either(("keys and numbers", is_norm), None),
    "mlp_hidden_size": (f"at most {LAYERS} whole numbers from 1 to {WIDTH:,}", are_widths),
}
"""Name of an argument -> what it may be, in words and as a function."""


def check_architecture(where: str, architecture: Mapping[str, object]) -> None:
    """Refuse an architecture that is not made of plain values within limits.

    Whether a model type has an argument is checked when the model is built.

    Parameters
    ----------
    where : str
        File and key, for error messages.
    architecture : mapping
        `model_type` and its arguments, or an adapter and its options.

    Raises
    ------
    ModelError
        With the key, what it may be, and the value.

    Examples
    --------
    >>> check_architecture("model.yaml: architecture", {"n_conv": 1_000_000})
    Traceback (most recent call last):
    grelu_models.errors.ModelError: model.yaml: architecture: n_conv must be a whole number from \
1 to 100, not 1000000
    """
    check_nested(where, dict(architecture), most=MOST_VALUES, deepest=10)
    for name, value in architecture.items():
        if not isinstance(name, str) or not re.fullmatch(r"\w{1,100}", name):
            raise ModelError(f"{where}: {show(name)} is not the name of an argument")
        if name in ARGUMENTS:
            wanted, check = ARGUMENTS[name]
            if not check(value):
                raise ModelError(f"{where}: {name} must be {wanted}, not {show(value)}")
        elif name == "model_type" and not is_name(value):
            raise ModelError(f"{where}: model_type must be a name, not {show(value)}")
