"""Weights and genomes from elsewhere, fetched once, before any job needs them.

Jobs on nodes without a network read these files. Beside each stands `{file}.json`: where it came
from, at which revision, with which digest.
"""

import hashlib
import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from genometracks.common.atomic import write_atomically
from genometracks.errors import UserError
from grelu_models.files.hub import check_sha256, get_artifact, parse_artifact

BLOCK = 1 << 20
SECONDS = 30
"""To wait for a server's next word."""


def fetch_weights(source: str, out: Path, *, sha256: str | None) -> dict:
    """Copy a file of the hub, by way of its cache.

    Parameters
    ----------
    source : str
        `owner/name@revision:path/of/file`.
    out : Path
    sha256 : str, optional
        Hex digest that the file must have.

    Returns
    -------
    dict
        `source`, `revision` (the commit), `bytes`, `sha256`; also written beside the file.

    Raises
    ------
    ModelError
        As `get_artifact`.
    UserError
        If the copy cannot be written.
    """
    artifact = parse_artifact(source)
    cached = get_artifact(artifact.repo_id, artifact.filename, artifact.revision)
    if sha256:
        check_sha256(cached, sha256, name=source)
    with write_atomically(out) as file, open(cached, "rb") as kept:
        shutil.copyfileobj(kept, file, BLOCK)
    # The cache has a folder a commit, whatever branch or tag was asked for.
    return _record(out, source, revision=cached.parts[cached.parts.index("snapshots") + 1])


def fetch_genome(address: str, out: Path, *, sha256: str | None) -> dict:
    """Download a FASTA.

    Parameters
    ----------
    address : str
        http, https or ftp.
    out : Path
    sha256 : str, optional
        Hex digest that the file must have.

    Returns
    -------
    dict
        As `fetch_weights`; the revision is the server's ETag or date, if it tells one.

    Raises
    ------
    UserError
        If it cannot be had whole, or is another file. Nothing is left then.
    """
    digest = hashlib.sha256()
    with write_atomically(out) as file:
        blocks = _download(address)
        revision = next(blocks)
        for block in blocks:
            digest.update(block)
            file.write(block)
        if sha256 and digest.hexdigest() != sha256.lower():
            raise UserError(
                f"{address}: sha256 is {digest.hexdigest()}, not {sha256.lower()} as asked for: "
                "check genome.fasta and genome.sha256"
            )
    return _record(out, address, revision=revision)


def _download(address: str) -> Iterator:
    """Yield what the server tells of the file's version, then its bytes."""
    if urlsplit(address).scheme.lower() not in ("http", "https", "ftp"):
        raise UserError(f"{address}: not an address that can be fetched: check genome.fasta")
    try:
        with urllib.request.urlopen(address, timeout=SECONDS) as answer:
            yield answer.headers.get("ETag") or answer.headers.get("Last-Modified")
            expected, received = answer.headers.get("Content-Length"), 0
            while block := answer.read(BLOCK):
                received += len(block)
                yield block
        if expected is not None and received != int(expected):
            raise UserError(f"{address}: {received:,} of {int(expected):,} bytes came: run again")
    except (urllib.error.URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise UserError(
            f"{address}: cannot be fetched: {reason}: check genome.fasta and the network, or fetch "
            "it by hand and give its path"
        ) from error


def _record(out: Path, source: str, *, revision: str | None) -> dict:
    with out.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    found = {
        "source": source,
        "revision": revision,
        "bytes": out.stat().st_size,
        "sha256": digest,
    }
    with write_atomically(out.with_name(f"{out.name}.json")) as file:
        file.write(json.dumps(found, indent=1).encode() + b"\n")
    return found
