"""Texts for the fuzz tests: valid ones with random changes, and how often they are drawn."""

import os
from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from genometracks.errors import LISTED, UserError
from grelu_models.errors import ModelError

FACTOR = int(os.environ.get("FUZZ_EXAMPLES", "1"))
"""Examples of every test are multiplied by this; `make fuzz` sets it."""

TOKENS = [
    *(b"\0", b"\x1b", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n", b"\t", b"\\ud800"),
    *(b"\xe2\x80\xa8", b"-1", b"0", b"1e999", b".nan", b"NaN", b"-.inf", b"9" * 30, b"9" * 5000),
    *(b"0x", b"1_0", b"null", b"true", b"[]", b"{}", b"[" * 200, b"{a: " * 150, b"*a", b"&a "),
    *(b"<<: ", b"!!set ", b"!!python/name:os.system ", b"2020-01-01", b"? ", b"- ", b": ", b"'"),
    *(b'"', b"#", b"{run}", b"/", b"..", b"~", b"$(x)", b"%s", b"N" * 50, b">", b"> ", b"chr1"),
    *(b"auto", b"-"),
]
"""What is inserted: characters, numbers and YAML that a parser may not expect."""


def examples(count: int):
    """Hypothesis settings with a number of examples, times `FACTOR`."""
    return settings(
        max_examples=count * FACTOR,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )


@st.composite
def mutated(draw, valid: bytes) -> bytes:
    """A valid text with one to four changes: bits, tokens, cuts, repetitions, moves."""
    data = valid
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 12)))
        kind = draw(st.sampled_from(["flip", "token", "cut", "repeat", "move", "bytes", "end"]))
        if kind == "flip" and start < len(data):
            flipped = data[start] ^ 1 << draw(st.integers(0, 7))
            data = data[:start] + bytes([flipped]) + data[start + 1 :]
        elif kind == "token":
            data = data[:start] + draw(st.sampled_from(TOKENS)) + data[end:]
        elif kind == "cut":
            data = data[:start] + data[end:]
        elif kind == "repeat":
            data = data[:end] + data[start:end] + data[end:]
        elif kind == "move":
            to = draw(st.integers(0, len(data)))
            data = data[:to] + data[start:end] + data[to:]
        elif kind == "bytes":
            data = data[:start] + draw(st.binary(max_size=8)) + data[end:]
        elif kind == "end" and draw(st.booleans()):
            data = data[:start]
    return data


def outcome(function: Callable[[], object]) -> object:
    """What a function returns; None after an error for the user, which must be one line each."""
    try:
        return function()
    except (UserError, ModelError) as error:
        lines = str(error).split("\n")
        assert all(line.isprintable() and 0 < len(line) < 5000 for line in lines)
        assert len(lines) <= (LISTED + 1 if isinstance(error, UserError) else 1)
        return None
