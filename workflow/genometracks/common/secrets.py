"""Secrets in plain values that are written into records (see `grelu_models.secrets`)."""

from typing import TypeVar, cast

from grelu_models.secrets import mask

Plain = TypeVar("Plain")


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
