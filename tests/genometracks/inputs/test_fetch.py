"""A fetched file is complete and has the expected digest, or does not exist."""

import hashlib
import json
import re
from dataclasses import asdict
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from genometracks.errors import UserError
from genometracks.inputs.fetch import Fetched, fetch_genome, fetch_weights
from grelu_models.errors import ModelError
from hub_server import COMMIT, HubServer

CONTENT = b">chr1\n" + b"ACGT" * 1000


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path != "/short.fa":
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Length", "5000")
        self.end_headers()
        self.wfile.write(CONTENT)


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
