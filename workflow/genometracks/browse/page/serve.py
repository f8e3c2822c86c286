"""A web server on loopback for the page of a run, which sends files by byte ranges.

It answers GET and HEAD for the files of a `Site`. Other sites cannot read from it: a request for
another host (DNS rebinding) is refused, and answers carry no CORS headers unless an origin is
allowed.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import BinaryIO
from urllib.parse import quote

from genometracks.browse.page.site import Site, open_file
from genometracks.errors import UserError

__all__ = ["Part", "Server", "find_part", "open_server"]

LOOPBACK = "127.0.0.1"
HOSTS = (LOOPBACK, "localhost")
"""Hosts that a request may name, with any port: a tunnel may have another one."""

PORT = 8642
"""Port that is tried first."""

IDLE = 60.0
"""Seconds after which an idle connection is closed."""

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".fai": "text/plain; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".sizes": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".tsv": "text/tab-separated-values; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".xml": "application/xml",
}
"""Content types by suffix; all other files are bytes."""

RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


class Server(ThreadingHTTPServer):
    """A server of a `Site`; `open_server` makes it."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, site: Site, port: int, origin: str | None) -> None:
        self.site, self.origin = site, origin
        super().__init__((LOOPBACK, port), Handler)

    def server_bind(self) -> None:
        """Bind the socket, without a look-up of the host's name, which can take seconds."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]

    @property
    def address(self) -> str:
        """URL of the page."""
        return f"http://{LOOPBACK}:{self.server_port}/{quote(self.site.page)}/"

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore what goes wrong with one connection: the client has left."""


@contextmanager
def open_server(
    site: Site, port: int | None = None, *, origin: str | None = None
) -> Iterator[Server]:
    """Open a server; `serve_forever` of it answers requests.

    Parameters
    ----------
    site : Site
    port : int, optional
        Default is None: `PORT`, or any free one.
    origin : str, optional
        Origin of another site that may read the files. Default is None.

    Raises
    ------
    UserError
        If the port is in use or not allowed.
    """
    try:
        server = Server(site, PORT if port is None else port, origin)
    except OSError as error:
        if port is not None:
            why = (
                "is in use"
                if error.errno == errno.EADDRINUSE
                else f"cannot be used: {error.strerror}"
            )
            raise UserError(
                f"--port: {port} {why}: give another one, or none for any free one"
            ) from error
        server = Server(site, 0, origin)
    with server:
        yield server


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "genometracks", ""
    timeout = IDLE

    def do_GET(self) -> None:
        """Send a file or a part of it."""
        self._answer()

    def do_HEAD(self) -> None:
        """Send the headers of a file."""
        self._answer()

    def do_OPTIONS(self) -> None:
        """Tell an allowed origin that it may ask for ranges."""
        if not self.server.origin or not self._check_host():
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED)
            return
        self.send_response(HTTPStatus.NO_CONTENT)
        self.send_header("Access-Control-Allow-Methods", "GET, HEAD")
        self.send_header("Access-Control-Allow-Headers", "Range, If-Range")
        self.send_header("Access-Control-Allow-Private-Network", "true")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Write no line per request."""

    def end_headers(self) -> None:
        """Add the headers that every answer has."""
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        if self.server.origin:
            self.send_header("Access-Control-Allow-Origin", self.server.origin)
            self.send_header("Access-Control-Expose-Headers", "Content-Range, ETag")
            self.send_header("Vary", "Origin")
        else:
            self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        super().end_headers()

    def _check_host(self) -> bool:
        """Whether the request is for this computer, and not for a name that leads here."""
        host = self.headers.get("Host", "").strip().lower()
        return re.sub(r":\d+$", "", host) in HOSTS

    def _answer(self) -> None:
        if not self._check_host():
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST)
            return
        path = self.path.partition("?")[0]
        if path == "/" or path == f"/{quote(self.server.site.page)}":
            self._redirect(f"/{quote(self.server.site.page)}/")
            return
        found = self.server.site.find(path)
        file = open_file(found) if found else None
        if found is None or file is None:
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        with file:
            self._send_file(file, TYPES.get(found.suffix, "application/octet-stream"))

    def _send_file(self, file: BinaryIO, kind: str) -> None:
        state = os.fstat(file.fileno())
        tag = f'"{state.st_mtime_ns:x}-{state.st_size:x}"'
        if tag in re.split(r"\s*,\s*", self.headers.get("If-None-Match", "").strip()):
            self.send_response(HTTPStatus.NOT_MODIFIED)
            self.send_header("ETag", tag)
            self.end_headers()
            return
        wanted = self.headers.get("Range")
        if self.command != "GET" or self.headers.get("If-Range", tag) != tag:
            wanted = None
        size = state.st_size
        part = find_part(wanted, size)
        if part is None:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if part.whole:
            self.send_response(HTTPStatus.OK)
        else:
            self.send_response(HTTPStatus.PARTIAL_CONTENT)
            self.send_header("Content-Range", f"bytes {part.start}-{part.end - 1}/{size}")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(part.end - part.start))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", tag)
        self.send_header("Last-Modified", formatdate(state.st_mtime, usegmt=True))
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()
        if self.command == "GET" and part.end > part.start:
            self.connection.sendfile(file, part.start, part.end - part.start)

    def _redirect(self, to: str) -> None:
        self.send_response(HTTPStatus.FOUND)
        self.send_header("Location", to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _refuse(self, status: HTTPStatus) -> None:
        self.send_error(status, explain=status.description)


@dataclass(frozen=True)
class Part:
    """Bytes `start` to `end` of a file; `whole` where no range was requested."""

    start: int
    end: int
    whole: bool


def find_part(wanted: str | None, size: int) -> Part | None:
    """The part of a file that a `Range` header requests; None where the file has no such part.

    Several ranges at once, other units and malformed headers are ignored, as RFC 9110 allows: the
    answer is the whole file.

    Examples
    --------
    >>> find_part("bytes=2-4", 10)
    Part(start=2, end=5, whole=False)
    >>> find_part("bytes=-3", 10)
    Part(start=7, end=10, whole=False)
    """
    found = RANGE.fullmatch((wanted or "").strip())
    whole = Part(0, size, True)
    if not found or max(map(len, found.groups())) > 20:
        return whole
    first, last = found.groups()
    if not first:
        if not last:
            return whole
        count = min(int(last), size)
        return Part(size - count, size, False) if count else None
    start = int(first)
    if last and int(last) < start:
        return whole
    if start >= size:
        return None
    return Part(start, min(int(last) + 1, size) if last else size, False)
