"""Addresses of files (http, https, ftp), opened without sending credentials anywhere else."""

import re
import urllib.request
from base64 import b64encode
from http.client import HTTPMessage
from typing import IO, Any
from urllib.parse import unquote, urlsplit
from urllib.response import addinfourl

from genometracks.errors import UserError
from grelu_models.secrets import MASK

ADDRESS = re.compile(r"(https?|ftp)://", re.IGNORECASE)
UNSAFE = re.compile(r"[\x00-\x20\x7f-\x9f]")
"""Characters that no address contains; a line end would add a header to the request."""


def is_address(given: str) -> bool:
    """Whether a file is given as a URL, from which it is downloaded."""
    return bool(ADDRESS.match(given))


def check_address(address: str) -> None:
    """Raise UserError if no file can be requested from an address."""
    if not is_address(address):
        raise UserError(f"{address}: not an http, https or ftp address: check genome.fasta")
    if UNSAFE.search(address):
        raise UserError(f"{address!r}: an address has no spaces or line ends: check genome.fasta")
    if f"//{MASK}@" in address or f"?{MASK}" in address:
        raise UserError(
            f"{address}: its user or query was masked, e.g. in a manifest: write the whole address "
            "in genome.fasta"
        )
    try:
        sound = bool(urlsplit(address).hostname) and urlsplit(address).port != 0
    except ValueError:  # of a port or an IPv6 address
        sound = False
    if not sound:
        raise UserError(f"{address}: its host or port is not valid: check genome.fasta")


class SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects, but not from https to an unencrypted or another kind of address."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Return the request of the new address; UserError if it is not followed."""
        schemes = {"https": ("https",), "http": ("http", "https")}
        scheme = urlsplit(newurl).scheme.lower()
        if scheme not in schemes.get(req.type, ()):
            raise UserError(
                f"{req.full_url}: the server redirects to {newurl}, which is not followed: check "
                "genome.fasta, or download it yourself and give its path"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def open_address(address: str, *, timeout: float) -> addinfourl:
    """Open an address; a user part is sent as basic authentication, to this server only.

    Parameters
    ----------
    address : str
        `http://`, `https://` or `ftp://`.
    timeout : float
        Seconds that the server may take for an answer or a block.

    Raises
    ------
    UserError
        If the address has another scheme or unsafe characters, or a redirect is not followed.
    OSError, ValueError, http.client.HTTPException
        As `urllib.request.urlopen`.
    """
    check_address(address)
    parts = urlsplit(address)
    user, at, host = parts.netloc.rpartition("@")
    if not at or parts.scheme.lower() == "ftp":  # urllib logs in to FTP servers itself
        request = urllib.request.Request(address)
    else:
        request = urllib.request.Request(parts._replace(netloc=host).geturl())
        credentials = b64encode(unquote(user).encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {credentials}")
    opened: Any = urllib.request.build_opener(SafeRedirects).open(request, timeout=timeout)
    found: addinfourl = opened
    return found
