"""What the figures of an evaluation share: style, numbers and labels as text, PNG files.

The same input gives the same bytes: the user's matplotlib settings are not read, and no date or
version goes into a file.
"""

import math
import textwrap
from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from genometracks.common.sealing import Seal, write_sealed

DPI = 150
INK, GREY = "#1f2933", "#7b8794"
STYLE: list[str | Path | dict[str, Any]] = [
    "default",
    {
        "font.size": 9,
        "text.color": INK,
        "text.parse_math": False,  # a dollar sign in a track's name is a dollar sign
        "axes.edgecolor": GREY,
        "axes.labelcolor": INK,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "xtick.color": GREY,
        "ytick.color": GREY,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
    },
]
"""For `matplotlib.style.context`."""


def format_number(value: float, _position: int | None = None) -> str:
    """A number as text, at most 10 significant digits; as a function, a tick's formatter."""
    return f"{round(value, 6):,.10g}".replace("-", "\N{MINUS SIGN}")


def format_correlation(r: float, *, digits: int) -> str:
    """A correlation as text with a fixed number of decimals, or `undefined`."""
    return "undefined" if math.isnan(r) else f"{r:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def wrap_label(text: str, *, width: int, lines: int) -> str:
    """Break a label into lines of `width` characters; an ellipsis ends one that is cut."""
    pieces = textwrap.wrap(text, width, break_on_hyphens=False)
    if len(pieces) > lines:
        pieces[lines - 1 :] = [pieces[lines - 1][: width - 1] + "\N{HORIZONTAL ELLIPSIS}"]
    return "\n".join(pieces)


def encode_figure(figure: Figure, *, dpi: int = DPI) -> bytes:
    """A figure as the content of a PNG file."""
    image = BytesIO()
    # By default, matplotlib writes its version into the file.
    figure.savefig(image, format="png", dpi=dpi, metadata={"Software": None})
    return image.getvalue()


def save_figure(figure: Figure, path: Path) -> Seal:
    """Write a figure as a PNG file, whole or not at all; return its seal."""
    with write_sealed(path) as file:
        file.write(encode_figure(figure))
    return file.sealed
