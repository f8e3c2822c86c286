"""HTML of a report from its templates. Everything that is filled in is escaped."""

import base64
import math
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from genometracks.common.units import format_duration, format_si

__all__ = ["Picture", "make_picture", "render"]

NONE = "\N{EN DASH}"
"""Stands for a value that is not known."""


@dataclass(frozen=True)
class Picture:
    """A figure inside the file: its data as an address, width in pixels, and texts."""

    uri: str
    width: int
    alt: str
    caption: str = ""


def make_picture(png: bytes, *, alt: str, caption: str = "", dpi: int = 120) -> Picture:
    """Make a picture of the content of a PNG file, shown at 96 pixels per inch.

    Parameters
    ----------
    png : bytes
    alt : str
        What the picture shows, for those who do not see it.
    caption : str
        Text beneath it. Default is "".
    dpi : int
        Pixels per inch of the file.
    """
    wide = int.from_bytes(png[16:20], "big")
    data = base64.b64encode(png).decode()
    return Picture(f"data:image/png;base64,{data}", round(wide * 96 / dpi), alt, caption)


def render(template: str, **context: object) -> str:
    """Fill in a template of the folder `templates`."""
    return _make_environment().get_template(template).render(context)


@cache
def _make_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("genometracks.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_clean,
        trim_blocks=True,
    )
    environment.filters.update(
        memory=_format_memory,
        percent=format_percent,
        r=format_r,
        raw=_format_raw,
        seconds=format_seconds,
        shorten=_shorten,
        speed=_format_speed,
        value=format_value,
    )
    return environment


def format_value(value: float | None) -> str:
    """A value with four significant digits.

    Examples
    --------
    >>> format_value(1234.56), format_value(0.00001234), format_value(-0.5), format_value(None)
    ('1,235', '1.234e-05', '−0.5', '–')
    """
    if value is None or math.isnan(value):
        return NONE
    text = f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}"
    return ("\N{MINUS SIGN}" + text[1:]) if text.startswith("-") else text


def format_r(value: float) -> str:
    """A correlation or a score with four decimals; a dash if it is not defined."""
    return NONE if math.isnan(value) else f"{value:.4f}".replace("-", "\N{MINUS SIGN}", 1)


def format_percent(share: float | None) -> str:
    """A share as a percentage with three significant digits.

    Examples
    --------
    >>> format_percent(1.0), format_percent(0.1234), format_percent(2e-6), format_percent(None)
    ('100%', '12.3%', '0.0002%', '–')
    """
    if share is None:
        return NONE
    text = f"{100 * share:.3g}"
    return (f"{float(text):f}".rstrip("0").rstrip(".") if "e-" in text else text) + "%"


def format_seconds(seconds: float) -> str:
    """A time: seconds with a decimal below a minute, else hours, minutes and seconds."""
    return f"{seconds:.1f} s" if seconds < 60 else format_duration(seconds)


def _format_memory(size: int | None) -> str:
    return NONE if size is None else f"{format_si(size)}B"


def _format_speed(bases: float | None) -> str:
    return NONE if bases is None else f"{format_si(bases)}bp/s"


def _format_raw(value: float | None) -> str:
    """The value by which a cell is sorted; NaN, which comes last, if there is none."""
    return "NaN" if value is None else repr(float(value))


def _clean(value: object) -> object:
    """A text without characters that do not print, such as those that change its direction."""
    if type(value) is not str:  # markup of a macro is escaped already
        return value
    return "".join(char if char.isprintable() else " " if char.isspace() else "?" for char in value)


def _shorten(text: str, length: int) -> str:
    """A text of at most so many characters."""
    return text if len(text) <= length else text[: length - 1] + "\N{HORIZONTAL ELLIPSIS}"
