"""Weights and genomes from the network, fetched once, before any job needs them.

Jobs read these files, so their nodes need no network. `{file}.json` beside each file records its
source, revision, size and digest.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException, IncompleteRead
from pathlib import Path

from genometracks.common.records import save_record
from genometracks.common.sealing import Seal, write_sealed
from genometracks.errors import UserError
from genometracks.inputs.address import open_address
from grelu_models.files.hub import check_sha256, get_artifact, parse_artifact
from grelu_models.secrets import mask

BLOCK = 1 << 20
"""Bytes that are copied at once."""
SECONDS = 30
"""Timeout of a server's response, in seconds."""


@dataclass(frozen=True)
class Fetched:
    """A fetched file.

    Attributes
    ----------
    source : str
        As configured: a file of the hub, or a URL, without secrets.
    revision : str or None
        The commit on the hub; for a URL, the server's ETag or date, if it sent one.
    bytes : int
        Size of the file.
    sha256 : str
    """

    source: str
    revision: str | None
    bytes: int
    sha256: str


def fetch_weights(source: str, out: Path, *, sha256: str | None) -> Fetched:
    """Fetch a file of the hub into the hub's local cache, and copy it.

    Parameters
    ----------
    source : str
        `owner/name@revision:path/of/file`.
    out : Path
        The copy; its description is written beside it, as `{out}.json`.
    sha256 : str or None
        Hex digest that the file must have; None accepts any file.

    Raises
    ------
    ModelError
        As `get_artifact`.
    UserError
        If the source is not of that form or the copy cannot be written.
    """
    artifact = parse_artifact(source)
    if artifact is None:
        raise UserError(f"{source}: not a file of the hub: write owner/name@revision:path/of/file")
    cached = get_artifact(artifact.repo_id, artifact.filename, artifact.revision)
    if sha256:
        check_sha256(cached, sha256, name=source)
    with write_sealed(out) as file, open(cached, "rb") as kept:
        shutil.copyfileobj(kept, file, BLOCK)
    # The cache has one folder per commit, even if a branch or tag was requested.
    revision = cached.parts[cached.parts.index("snapshots") + 1]
    return _describe(file.sealed, source, revision=revision)


def fetch_genome(address: str, out: Path, *, sha256: str | None) -> Fetched:
    """Download a FASTA.

    Parameters
    ----------
    address : str
        URL: http, https or ftp.
    out : Path
        The download; its description is written beside it, as `{out}.json`.
    sha256 : str or None
        Hex digest that the file must have; None accepts any file.

    Raises
    ------
    UserError
        If the address cannot be used, the download fails or is incomplete, or the digest differs.
        Nothing is written then.
    """
    with write_sealed(out) as file:
        blocks = _download(address)
        revision, _ = next(blocks)
        for _, block in blocks:
            file.write(block)
        file.seal()  # before the file gets its name
        if sha256 and file.sealed.sha256 != sha256.lower():
            raise UserError(
                f"{address}: sha256 is {file.sealed.sha256}, expected {sha256.lower()}: "
                "check genome.fasta and genome.sha256"
            )
    return _describe(file.sealed, address, revision=revision)


def _download(address: str) -> Iterator[tuple[str | None, bytes]]:
    """Yield (revision reported by the server, block of the file); the first block is empty."""
    received = 0
    try:
        with open_address(address, timeout=SECONDS) as response:
            revision = response.headers.get("ETag") or response.headers.get("Last-Modified")
            announced = response.headers.get("Content-Length")
            expected = None if announced is None else int(announced)
            yield revision, b""
            while block := response.read(BLOCK):
                received += len(block)
                yield revision, block
    except IncompleteRead as error:
        raise UserError(f"{address}: the server closed the connection early: run again") from error
    except (OSError, ValueError, EOFError, HTTPException) as error:
        if isinstance(error, UserError):
            raise
        reason = " ".join(str(getattr(error, "reason", None) or error).split())
        raise UserError(
            f"{address}: cannot be fetched: {reason}: check genome.fasta and the network, or "
            "download it yourself and give its path"
        ) from error
    if expected is not None and received != expected:
        raise UserError(f"{address}: received {received:,} of {expected:,} bytes: run again")


def _describe(seal: Seal, source: str, *, revision: str | None) -> Fetched:
    """Describe a fetched file, and write the description beside it, as JSON."""
    fetched = Fetched(mask(source), revision, seal.bytes, seal.sha256)
    save_record(seal.path.with_name(f"{seal.path.name}.json"), fetched, indent=1)
    return fetched
