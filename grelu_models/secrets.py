"""Secrets in text: addresses without user, password and query, and no tokens.

Applied to every error and every line of a log, and to what is written into records. The plain
address is used for the download only.
"""

import os
import re

__all__ = ["MASK", "mask"]

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
SHORT_PASSWORD = 4
"""The same for the user part of HF_ENDPOINT, which libraries may print without the address."""


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
    user = os.environ.get("HF_ENDPOINT", "").partition("://")[2].rpartition("@")[0]
    for secret in (user, *re.split("[:/]", user)):
        if len(secret) >= SHORT_PASSWORD:
            text = text.replace(secret, MASK)
    if "://" in text:
        text = ADDRESS.sub(_mask_address, text)
    return TOKEN.sub(MASK, text)


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
