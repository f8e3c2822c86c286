"""Secrets in text: addresses without user, password and query, and no tokens.

Applied to every line of a log, and to what is written into records. The plain address is used for
the download only.
"""

import os
import re
from typing import TypeVar, cast

Plain = TypeVar("Plain")

MASK = "***"

ADDRESS = re.compile(
    r"""
    \b([a-z][a-z0-9+.-]*://)    # scheme
    ([^\s/?\#"'<>]*@)?          # user and password
    ([^\s?\#"'<>]*)             # host and path
    ([?\#][^\s"'<>]*)?          # query and fragment
    """,
    re.IGNORECASE | re.VERBOSE,
)
HOST = re.compile(r"(\[[0-9a-f:.]*\]|[^:/@]*)(:\d{1,5})?[:,;.)\]}]*", re.IGNORECASE)
"""A host and its port. Anything else is the start of a password that contains '/', for example."""
TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{8,}|(?<=\bBearer )[^\s\"']+|(?<=\bBasic )[^\s\"']+")
END = re.compile(r"[:,;.)\]}]+$")
"""Punctuation after an address: a part of the sentence."""

TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""Variables of the environment whose values are masked wherever they occur."""
SHORT = 8
"""Characters of the shortest such value: a shorter one would hide ordinary words."""


def mask(text: str) -> str:
    """Replace the secrets of a text by `***`.

    These are the user part, query and fragment of every address, tokens of the Hugging Face Hub,
    and credentials after `Bearer` and `Basic`. Masking a masked text changes nothing.

    Examples
    --------
    >>> mask("https://me:pw@lab.org/hg38.fa?token=abc: cannot be fetched")
    'https://***@lab.org/hg38.fa?***: cannot be fetched'
    >>> mask("lab/model@main:model.ckpt and https://lab.org/hg38.fa")
    'lab/model@main:model.ckpt and https://lab.org/hg38.fa'
    """
    for name in TOKENS:
        token = os.environ.get(name, "").strip()
        if len(token) >= SHORT:
            text = text.replace(token, MASK)
    if "://" in text:
        text = ADDRESS.sub(_mask_address, text)
    return TOKEN.sub(MASK, text)


def mask_plain(value: Plain) -> Plain:
    """Mask every text in nested lists and dicts; keys and other values stay.

    Examples
    --------
    >>> mask_plain({"genome": {"fasta": "ftp://me:pw@lab.org/g.fa"}, "shards": 4})
    {'genome': {'fasta': 'ftp://***@lab.org/g.fa'}, 'shards': 4}
    """
    masked: object = value
    if isinstance(value, str):
        masked = mask(value)
    elif isinstance(value, dict):
        masked = {key: mask_plain(each) for key, each in value.items()}
    elif isinstance(value, list):
        masked = [mask_plain(each) for each in value]
    return cast(Plain, masked)


def _mask_address(found: re.Match[str]) -> str:
    scheme, user, rest, query = found.groups()
    host, slash, path = rest.partition("/")
    if not HOST.fullmatch(host):
        rest = f"{MASK}{slash}{path.rpartition('@')[2]}"
    masked = f"{scheme}{f'{MASK}@' if user else ''}{rest}"
    if not query:
        return masked
    end = END.search(query)
    return f"{masked}{query[0]}{MASK}{end[0] if end else ''}"
