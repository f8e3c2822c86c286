"""Texts of others, of tracks and genes, made safe for the formats that browsers read."""

import unicodedata

__all__ = ["clean_text", "shorten_middle"]

REPLACED = str.maketrans({"<": "‹", ">": "›", '"': "'", "\\": "/"})
"""Characters that begin HTML, end an attribute, or continue a line of a hub."""
HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Categories of characters that are not shown: control and format characters, and no characters."""


def clean_text(text: object, *, most: int) -> str:
    r"""One line of printable text without markup, of at most `most` characters.

    Examples
    --------
    >>> clean_text("<b>liver</b>\n  adult", most=60)
    '‹b›liver‹/b› adult'
    >>> clean_text("a long description", most=9)
    'a long...'
    """
    given = " ".join(str(text)[: 4 * most + 1000].split())
    shown = [each for each in given if unicodedata.category(each) not in HIDDEN]
    line = " ".join("".join(shown).translate(REPLACED).split())
    return line if len(line) <= most else f"{line[: most - 3].rstrip()}..."


def shorten_middle(text: str, *, most: int) -> str:
    """Cut the middle of a label, as names often differ at their ends only.

    Examples
    --------
    >>> shorten_middle("CAGE:fibroblast of lung", most=17)
    'CAGE:fib..of lung'
    """
    if len(text) <= most:
        return text
    tail = (most - 2) // 2
    return f"{text[: most - 2 - tail].rstrip()}..{text[-tail:].lstrip()}"
