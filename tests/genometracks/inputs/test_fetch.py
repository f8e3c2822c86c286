"""A fetched file is complete and has the expected digest, or does not exist."""

import errno
import hashlib
import io
import json
import logging
import re
import urllib.request
from base64 import b64encode
from dataclasses import asdict
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from genometracks.common import atomic
from genometracks.common.logs import log_to_stderr
from genometracks.errors import UserError
from genometracks.inputs.address import SafeRedirects
from genometracks.inputs.fetch import Fetched, fetch_genome, fetch_weights
from grelu_models.errors import ModelError
from hub_server import COMMIT, HubServer

CONTENT = b">chr1\n" + b"ACGT" * 1000


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        respond = ODD.get(self.path.partition("?")[0])
        if respond is None:
            return super().do_GET()
        SEEN.append(self.headers)
        respond(self)
        self.close_connection = True


SEEN = []
"""Headers of the requests of odd files."""


def send(data: bytes, *, status: int = 200, **headers: str):
    """A response with any headers (`_` stands for `-`), whether they fit the data or not."""

    def respond(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(data)

    return respond


ODD = {
    "/short.fa": send(CONTENT, Content_Length="5000"),
    "/long.fa": send(CONTENT * 2, Content_Length=str(len(CONTENT))),
    "/words.fa": send(CONTENT, Content_Length="many"),
    "/negative.fa": send(CONTENT, Content_Length="-5"),
    "/cut.fa": send(b"fff\r\nACGT", Transfer_Encoding="chunked"),
    "/wrong.fa": send(b"zz\r\nACGT", Transfer_Encoding="chunked"),
    "/rude.fa": lambda handler: handler.wfile.write(b"\x00\x1b[31m\r\n" * 3),
    "/headers.fa": send(CONTENT, **{f"X{i}": "x" for i in range(200)}),
    "/file.fa": send(b"", status=302, Location="file:///etc/passwd"),
    "/ftp.fa": send(b"", status=302, Location="ftp://127.0.0.1/g.fa"),
    "/loop.fa": send(b"", status=302, Location="/loop.fa"),
    "/asked.fa": send(CONTENT, Content_Length=str(len(CONTENT))),
    "/moved.fa": send(b"", status=302, Location="/asked.fa?signature=abc"),
}


@pytest.fixture
def address(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "g.fa").write_bytes(CONTENT)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_genome_is_fetched_with_its_digest(tmp_path, address):
    out, digest = tmp_path / "deep" / "g.fa", hashlib.sha256(CONTENT).hexdigest()
    found = fetch_genome(f"{address}/g.fa", out, sha256=digest.upper())
    assert out.read_bytes() == CONTENT
    assert found.revision.endswith("GMT") and found.sha256 == digest
    assert found.bytes == len(CONTENT) and found.source == f"{address}/g.fa"
    text = (tmp_path / "deep" / "g.fa.json").read_text()
    assert text == json.dumps(asdict(found), indent=1) + "\n"
    assert list(json.loads(text)) == ["source", "revision", "bytes", "sha256"]


def test_an_empty_file_is_fetched_with_its_revision(tmp_path, address):
    (tmp_path / "served" / "empty.fa").touch()
    found = fetch_genome(f"{address}/empty.fa", tmp_path / "g.fa", sha256=None)
    assert found.bytes == 0 and found.revision.endswith("GMT")


@pytest.mark.parametrize(
    ("name", "sha256", "message"),
    [
        ("g.fa", "0" * 64, r"/g.fa: sha256 is [0-9a-f]{64}, expected 0{64}: check genome"),
        ("no.fa", None, "/no.fa: cannot be fetched: .*File not found.*: check genome.fasta and"),
        ("short.fa", None, r"^http://[0-9.:]+/short.fa: received 4,006 of 5,000 bytes: run again$"),
    ],
)
def test_an_incomplete_or_unexpected_file_is_not_kept(tmp_path, address, name, sha256, message):
    with pytest.raises(UserError, match=message):
        fetch_genome(f"{address}/{name}", tmp_path / "out" / "g.fa", sha256=sha256)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("words.fa", "cannot be fetched: invalid literal for int.*: check genome.fasta and the"),
        ("negative.fa", "received 4,006 of -5 bytes: run again$"),
        ("cut.fa", "the server closed the connection early: run again$"),
        ("wrong.fa", "the server closed the connection early: run again$"),
        ("rude.fa", "cannot be fetched: .*: check genome.fasta and the network"),
        ("headers.fa", "cannot be fetched: got more than 100 headers: check genome.fasta"),
        ("file.fa", "cannot be fetched: .*'file:///etc/passwd' is not allowed: check genome.fasta"),
        ("ftp.fa", "the server redirects to ftp://127.0.0.1/g.fa, which is not followed: check"),
        ("loop.fa", "cannot be fetched: .*redirect.*infinite loop"),
    ],
)
def test_a_hostile_server_is_one_error(tmp_path, capsys, address, name, message):
    with pytest.raises(UserError, match=f"^{address}/{name}: {message}") as caught:
        fetch_genome(f"{address}/{name}", tmp_path / "out" / "g.fa", sha256=None)
    assert list((tmp_path / "out").iterdir()) == []
    with log_to_stderr("download"):
        logging.getLogger("genometracks").error(caught.value)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isprintable()


def test_bytes_after_the_announced_length_are_not_read(tmp_path, address):
    assert fetch_genome(f"{address}/long.fa", tmp_path / "g.fa", sha256=None).bytes == len(CONTENT)


def test_an_endless_body_on_a_full_disk_is_one_error(tmp_path, address, monkeypatch):
    class Full(io.BufferedRandom):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(
        atomic, "open", lambda file, mode: Full(io.FileIO(file, mode)), raising=False
    )
    with pytest.raises(UserError, match="g.fa: cannot be written: No space left on device: check"):
        fetch_genome(f"{address}/g.fa", tmp_path / "out" / "g.fa", sha256=None)
    assert list((tmp_path / "out").iterdir()) == []


def test_https_is_not_left_by_a_redirect():
    request = urllib.request.Request("https://lab.org/g.fa")
    redirect = partial(SafeRedirects().redirect_request, request, None, 302, "Found", {})
    with pytest.raises(UserError, match="redirects to http://lab.org/g.fa, which is not followed"):
        redirect("http://lab.org/g.fa")
    assert redirect("https://mirror.org/g.fa").full_url == "https://mirror.org/g.fa"


def test_a_user_part_is_sent_to_its_server_only_and_not_recorded(tmp_path, address):
    secret = address.replace("//", "//me:p%40ss@")
    SEEN.clear()
    found = fetch_genome(f"{secret}/asked.fa?token=abc", tmp_path / "g.fa", sha256=None)
    assert SEEN[0]["Authorization"] == "Basic " + b64encode(b"me:p@ss").decode()
    masked = f"{address.replace('//', '//***@')}/asked.fa?***"
    assert found.source == masked
    assert json.loads((tmp_path / "g.fa.json").read_text())["source"] == masked
    SEEN.clear()
    fetch_genome(f"{secret}/moved.fa", tmp_path / "g.fa", sha256=None)
    assert [headers.get("Authorization") is None for headers in SEEN] == [False, True]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("http://lab.org/g.fa\r\nX-Evil: 1", "an address has no spaces or line ends: check"),
        ("http://lab.org/a b.fa", "an address has no spaces or line ends: check"),
        ("ftp://lab.org/a\nDELE b", "an address has no spaces or line ends: check"),
        ("http://[::1/g.fa", "its host or port is not valid: check genome.fasta"),
        ("http://lab.org:99999/g.fa", "its host or port is not valid: check genome.fasta"),
        ("http://lab.org:80b/g.fa", "its host or port is not valid: check genome.fasta"),
        ("http://***@lab.org/g.fa", "its user or query was masked, e.g. in a manifest: write the"),
        ("http://lab.org/g.fa?***", "its user or query was masked, e.g. in a manifest: write the"),
        ("http:///g.fa", "its host or port is not valid: check genome.fasta"),
        ("http://" + "a" * 300 + "/g.fa", "cannot be fetched: .*: check genome.fasta"),
    ],
)
def test_an_address_that_cannot_be_requested_is_one_error(tmp_path, given, message):
    with pytest.raises(UserError, match=message):
        fetch_genome(given, tmp_path / "g.fa", sha256=None)


def test_an_invalid_address_is_refused(tmp_path):
    with pytest.raises(
        UserError, match="^file:///etc/passwd: not an http, https or ftp address: check"
    ):
        fetch_genome("file:///etc/passwd", tmp_path / "g.fa", sha256=None)
    with pytest.raises(UserError, match="^http://127.0.0.1:1/g.fa: cannot be fetched: .*refused"):
        fetch_genome("http://127.0.0.1:1/g.fa", tmp_path / "g.fa", sha256=None)


def test_weights_are_copied_with_the_commit_of_a_branch(tmp_path, monkeypatch):
    hub = HubServer("lab/toy-model", {"model.ckpt": b"weights"})
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    source, out = "lab/toy-model@main:model.ckpt", tmp_path / "out" / "model.ckpt"
    try:
        with pytest.raises(ModelError, match=f"^{re.escape(source)}: sha256 is .* not 0000"):
            fetch_weights(source, out, sha256="0" * 64)
        assert not out.exists()
        found = fetch_weights(source, out, sha256=None)
    finally:
        hub.stop()
    assert out.read_bytes() == b"weights" and not out.is_symlink()
    assert found == Fetched(source, COMMIT, 7, hashlib.sha256(b"weights").hexdigest())
    assert json.loads((tmp_path / "out" / "model.ckpt.json").read_text()) == asdict(found)


def test_weights_that_are_not_on_the_hub_are_refused(tmp_path):
    message = "^model.ckpt: not a file of the hub: write owner/name@revision:path/of/file$"
    with pytest.raises(UserError, match=message):
        fetch_weights("model.ckpt", tmp_path / "model.ckpt", sha256=None)
