"""A small model hub on 127.0.0.1 that answers as the real one does."""

import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER = "89abcdef0123456789abcdef0123456789abcdef"


class HubServer:
    """Serve `files` (name: bytes) of one repository at one commit.

    Attributes
    ----------
    repo : str
    files : dict
    token : str or None
        If set, required in every request.
    gated : bool
        Whether all requests for files are refused.
    cut : int or None
        Close the connection after this many bytes of a file.
    requests : list of (method, path, token)
    """

    def __init__(self, repo: str, files: dict[str, bytes]) -> None:
        self.repo, self.files = repo, files
        self.token: str | None = None
        self.gated = False
        self.cut: int | None = None
        self.requests: list[tuple[str, str, str | None]] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                hub.answer(self, body=False)

            def do_GET(self) -> None:
                hub.answer(self, body=True)

            def log_message(self, *words) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: BaseHTTPRequestHandler, *, body: bool) -> None:
        path = unquote(urlsplit(request.path).path).strip("/")
        token = (request.headers.get("Authorization") or "").removeprefix("Bearer ") or None
        self.requests.append((request.command, path, token))
        if self.token and token != self.token:
            return self._refuse(request, 401, "RepoNotFound", "Repository not found")
        if path.startswith(f"api/models/{self.repo}"):
            return self._describe(request, path.removeprefix(f"api/models/{self.repo}").strip("/"))
        if not path.startswith(f"{self.repo}/resolve/"):
            return self._refuse(request, 404, "RepoNotFound", "Repository not found")
        if self.gated:
            return self._refuse(request, 403, "GatedRepo", "Access to this model is restricted")
        revision, _, name = path.removeprefix(f"{self.repo}/resolve/").partition("/")
        if revision not in ("main", "v1", COMMIT):
            return self._refuse(request, 404, "RevisionNotFound", f"Invalid rev id: {revision}")
        if name not in self.files:
            return self._refuse(request, 404, "EntryNotFound", "Entry not found")
        return self._send_file(request, self.files[name], body=body)

    def _send_file(self, request, content: bytes, *, body: bool) -> None:
        request.send_response(200)
        request.send_header("X-Repo-Commit", COMMIT)
        request.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        if not body:
            return
        if self.cut is None:
            request.wfile.write(content)
        else:
            request.wfile.write(content[: self.cut])
            request.close_connection = True

    def _describe(self, request, rest: str) -> None:
        if rest.startswith("revision/") and rest.split("/")[1] not in ("main", "v1", COMMIT):
            return self._refuse(request, 404, "RevisionNotFound", "Invalid rev id")
        files = [
            {
                "rfilename": name,
                "size": len(content),
                "lfs": {
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "size": len(content),
                    "pointerSize": 130,
                },
            }
            for name, content in self.files.items()
        ]
        described = {
            "id": self.repo,
            "modelId": self.repo,
            "sha": COMMIT,
            "private": False,
            "lastModified": "2026-01-02T03:04:05.000Z",
            "tags": ["genomics"],
            "siblings": files,
            "cardData": {"license": "mit", "base_model": "lab/base", "datasets": ["lab/data"]},
        }
        content = json.dumps(described).encode()
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def _refuse(self, request, status: int, code: str, message: str) -> None:
        request.send_response(status)
        request.send_header("X-Error-Code", code)
        request.send_header("X-Error-Message", message)
        request.send_header("Content-Length", "0")
        request.end_headers()
