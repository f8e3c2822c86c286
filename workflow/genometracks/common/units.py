"""Quantities as readable text."""

PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def format_si(number: float) -> str:
    """Format a number with a space and an SI prefix, to be followed by a unit.

    Examples
    --------
    >>> format_si(12_345_678) + "bp"
    '12.3 Mbp'
    >>> format_si(42) + "B"
    '42 B'
    """
    for size, letter in PREFIXES:
        if number >= size:
            return f"{number / size:.1f} {letter}"
    return f"{number:.0f} "


def format_duration(seconds: float) -> str:
    """Format seconds as hours, minutes and seconds.

    Examples
    --------
    >>> format_duration(3725)
    '1:02:05'
    """
    minutes, second = divmod(round(seconds), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02d}:{second:02d}"


def format_count(number: int, what: str) -> str:
    """Format a number of things, in the singular or the plural.

    Examples
    --------
    >>> format_count(1, "track"), format_count(2000, "bin")
    ('1 track', '2,000 bins')
    """
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
