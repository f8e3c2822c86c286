"""The server: byte ranges, what it serves and what it refuses."""

import http.client
import os
import socket
import threading
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genometracks.browse.page.serve import Part, find_part, open_server
from genometracks.browse.page.site import Site, find_site
from genometracks.errors import UserError

CONTENT = bytes(range(256)) * 4


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """A folder of two runs, a shared genome, the page of both, and files beside them."""
    folder = tmp_path_factory.mktemp("serve") / "results"
    for name in (
        "a b/page/index.html",
        "a b/page/page.js",
        "a b/bigwig/x#1.bw",
        "a b/reference/observed/o.bw",
        "a b/work/genome.fa",
        "a b/work/genome.fa.fai",
        "a b/work/plan.json",
        "a b/work/shards/0.npy",
        "a b/logs/plan.log",
        "a b/tracks.tsv",
        "a b/secret.txt",
        "other/page/index.html",
        "other/bigwig/y.bw",
        "shared/g/work/genome.fa",
        "shared/m/work/model.json",
        "page/index.html",
        "loose.txt",
        "../outside.bw",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CONTENT)
    (folder / "a b" / "bigwig" / "out.bw").symlink_to(folder / "../outside.bw")
    (folder / "a b" / "bigwig" / "in.bw").symlink_to(folder / "other/bigwig/y.bw")
    os.mkfifo(folder / "a b" / "bigwig" / "fifo.bw")
    return folder


@contextmanager
def started(site, **how):
    """A server in a thread."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    with open_server(site, port, **how) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def server(results):
    with started(find_site(results / "a b")) as server:
        yield server


def ask(server, path, method="GET", **headers):
    """Status, headers and body of an answer; the path is sent as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), body


BIGWIG = "/a%20b/bigwig/x%231.bw"


def test_the_address_is_that_of_the_page(server):
    assert server.address == f"http://127.0.0.1:{server.server_port}/a%20b/page/"
    status, headers, body = ask(server, urlsplit(server.address).path)
    assert (status, body) == (200, CONTENT)
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert ask(server, "/")[:2][1]["Location"] == "/a%20b/page/"
    assert ask(server, "/a%20b/page")[0] == 302


@pytest.mark.parametrize(
    ("wanted", "status", "start", "end"),
    [
        ("bytes=0-0", 206, 0, 1),
        ("bytes=5-9", 206, 5, 10),
        ("bytes=1000-", 206, 1000, 1024),
        ("bytes=1000-99999", 206, 1000, 1024),
        ("bytes=-3", 206, 1021, 1024),
        ("bytes=-99999", 206, 0, 1024),
        ("bytes=0-1,5-6", 200, 0, 1024),  # several: ignored, which RFC 9110 allows
        ("bytes=9-5", 200, 0, 1024),
        ("bytes=-", 200, 0, 1024),
        ("lines=0-1", 200, 0, 1024),
        ("bytes=٣-٥", 200, 0, 1024),
    ],
)
def test_ranges(server, wanted, status, start, end):
    found, headers, body = ask(server, BIGWIG, Range=wanted.encode())
    assert (found, body) == (status, CONTENT[start:end])
    assert headers["Content-Length"] == str(end - start)
    assert headers["Accept-Ranges"] == "bytes"
    assert headers.get("Content-Range") == (
        f"bytes {start}-{end - 1}/1024" if found == 206 else None
    )


@pytest.mark.parametrize("wanted", ["bytes=1024-", "bytes=99999-999999", "bytes=-0"])
def test_a_range_past_the_end_is_not_satisfiable(server, wanted):
    status, headers, body = ask(server, BIGWIG, Range=wanted)
    assert (status, headers["Content-Range"], body) == (416, "bytes */1024", b"")


@given(st.integers(0, 40), st.one_of(st.none(), st.integers(0, 40)), st.integers(0, 30))
def test_a_part_is_that_of_a_slice(first, last, size):
    part = find_part(f"bytes={first}-{'' if last is None else last}", size)
    if last is not None and last < first:
        assert part == Part(0, size, True)
    elif first >= size:
        assert part is None
    else:
        content = list(range(size))
        assert content[part.start : part.end] == content[first : None if last is None else last + 1]


def test_head_has_the_headers_of_get_and_no_body(server):
    status, headers, body = ask(server, BIGWIG, "HEAD")
    whole = ask(server, BIGWIG)[1]
    assert (status, body) == (200, b"")
    del headers["Date"], whole["Date"]
    assert headers == whole


def test_a_file_that_did_not_change_is_not_sent_again(server):
    tag = ask(server, BIGWIG)[1]["ETag"]
    assert ask(server, BIGWIG, If_None_Match=tag)[::2] == (304, b"")
    assert ask(server, BIGWIG, If_None_Match='"x"')[0] == 200


def test_a_range_of_a_file_that_changed_is_the_whole_file(server):
    tag = ask(server, BIGWIG)[1]["ETag"]
    assert ask(server, BIGWIG, Range="bytes=0-3", If_Range=tag)[::2] == (206, CONTENT[:4])
    assert ask(server, BIGWIG, Range="bytes=0-3", If_Range='"x"')[::2] == (200, CONTENT)


def test_several_requests_use_one_connection(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    for first in (0, 100, 2000, 200):
        connection.request("GET", BIGWIG, headers={"Range": f"bytes={first}-{first + 3}"})
        assert connection.getresponse().read() == CONTENT[first : first + 4]
    connection.close()


@pytest.mark.parametrize(
    "path",
    [
        "/a%20b/reference/observed/o.bw",
        "/a%20b/work/genome.fa",
        "/a%20b/work/genome.fa.fai?x=1",
        "/a%20b/tracks.tsv",
        "/a%20b/bigwig/in.bw",
        "/shared/g/work/genome.fa",
    ],
)
def test_what_a_page_refers_to_is_served(server, path):
    assert ask(server, path)[::2] == (200, CONTENT)


@pytest.mark.parametrize(
    "path",
    [
        "/a%20b/work/plan.json",
        "/a%20b/work/shards/0.npy",
        "/a%20b/logs/plan.log",
        "/a%20b/secret.txt",
        "/a%20b/bigwig/",
        "/a%20b/bigwig/missing.bw",
        "/a%20b/bigwig/fifo.bw",
        "/a%20b/bigwig/out.bw",
        "/a%20b/",
        "/other/bigwig/y.bw",
        "/page/index.html",
        "/shared/m/work/model.json",
        "/loose.txt",
        "/a%20b/bigwig/../secret.txt",
        "/a%20b/bigwig/%2e%2e/secret.txt",
        "/a%20b/bigwig/..%2fsecret.txt",
        "/a%20b/bigwig/..%5csecret.txt",
        "/a%20b/bigwig/%00",
        "/a%20b/bigwig/%ff.bw",
        "/a%20b/page/../../../outside.bw",
        "//etc/passwd",
        "/a%20b/bigwig//etc/passwd",
        "http://127.0.0.1/a%20b/tracks.tsv",
        "/" + "a" * 60000,
    ],
)
def test_nothing_else_is_served(server, path):
    assert ask(server, path)[0] == 404


PIECES = (
    *("..", ".", "", "%2e%2e", "%2f", "%5c..", "%00", "%ff", "a%20b", "a b", "other", "page"),
    *("bigwig", "work", "hub", "shared", "g", "genome.fa", "plan.json", "secret.txt", "out.bw"),
)


@given(st.lists(st.sampled_from(PIECES), max_size=6))
def test_no_path_leads_to_another_file(results, pieces):
    site = find_site(results / "a b")
    found = site.find("/".join(["", *pieces]))
    if found is not None:
        first, *inside = found.relative_to(site.root).parts
        assert first in ("a b", "shared")
        assert inside[0] in ("page", "bigwig", "hub", "figures") or inside[-2:] == [
            "work",
            "genome.fa",
        ]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8642", "127.0.0.1.evil.example", ""]
)
def test_a_request_for_another_host_is_refused(server, host):
    assert ask(server, BIGWIG, Host=host)[0] == 421


@pytest.mark.parametrize("host", ["localhost:9000", "127.0.0.1", "LOCALHOST"])
def test_a_tunnel_may_have_another_port(server, host):
    assert ask(server, BIGWIG, Host=host)[0] == 200


def test_other_methods_are_refused(server):
    assert ask(server, BIGWIG, "POST")[0] == 501
    assert ask(server, BIGWIG, "OPTIONS")[0] == 405


def test_other_sites_may_not_read_unless_one_is_allowed(server, results):
    headers = ask(server, BIGWIG, Origin="http://x.example")[1]
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert not [name for name in headers if name.startswith("Access-Control")]
    with started(find_site(results / "a b"), origin="http://localhost:3000") as other:
        headers = ask(other, BIGWIG)[1]
        assert headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
        assert headers["Access-Control-Expose-Headers"] == "Content-Range, ETag"
        status, headers, _ = ask(other, BIGWIG, "OPTIONS")
        assert (status, headers["Access-Control-Allow-Headers"]) == (204, "Range, If-Range")


def test_a_large_file_is_sent_in_parts(results, server):
    path = results / "a b" / "bigwig" / "large.bw"
    with open(path, "wb") as file:
        file.truncate(5 << 30)
        file.seek((5 << 30) - 4)
        file.write(b"tail")
    status, headers, body = ask(server, "/a%20b/bigwig/large.bw", Range="bytes=-6")
    assert (status, body) == (206, b"\0\0tail")
    assert headers["Content-Range"] == f"bytes {(5 << 30) - 6}-{(5 << 30) - 1}/{5 << 30}"
    path.unlink()


def test_the_server_is_on_this_computer_only(server):
    assert server.socket.getsockname()[0] == "127.0.0.1"


def test_the_page_of_a_run_or_of_all_runs_is_found(results):
    assert find_site(results / "a b") == Site(results.resolve(), ("a b",), "a b/page")
    assert find_site(results) == Site(results.resolve(), ("a b", "other"), "page")


def test_a_folder_with_one_page_is_that_run(tmp_path):
    for name in ("x", "y"):
        (tmp_path / name / "bigwig").mkdir(parents=True)
    (tmp_path / "y" / "page").mkdir()
    (tmp_path / "y" / "page" / "index.html").touch()
    assert find_site(tmp_path) == Site(tmp_path.resolve(), ("y",), "y/page")


def test_a_link_to_a_run_is_that_run(results, tmp_path):
    (tmp_path / "one").symlink_to(results / "other")
    site = find_site(tmp_path / "one")
    assert site == Site(results.resolve(), ("other",), "other/page")


def test_folders_without_a_page_are_refused(tmp_path):
    with pytest.raises(UserError) as caught:
        find_site(tmp_path / "gone")
    assert str(caught.value) == (
        f"{tmp_path}/gone: no such folder: give the folder of a run, results/RUN"
    )
    with pytest.raises(UserError) as caught:
        find_site(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: no run with a page is there: give the folder of a run"
    )
    (tmp_path / "run" / "work").mkdir(parents=True)
    (tmp_path / "run" / "work" / "plan.json").touch()
    with pytest.raises(UserError) as caught:
        find_site(tmp_path / "run")
    assert str(caught.value) == (
        f"{tmp_path}/run: the run has no page (page/index.html): it has not finished, or "
        "browser.write is false in its config: run the workflow (again)"
    )
    for name in ("x", "y"):
        (tmp_path / name / "bigwig").mkdir(parents=True)
        (tmp_path / name / "page").mkdir()
        (tmp_path / name / "page" / "index.html").touch()
    with pytest.raises(UserError) as caught:
        find_site(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: several runs have a page (x, y): give the folder of one"
    )


def test_a_port_in_use_is_an_error_where_it_was_chosen(results, server):
    site = find_site(results)
    with pytest.raises(UserError) as caught, open_server(site, server.server_port):
        pass
    assert str(caught.value) == (
        f"--port: {server.server_port} is in use: give another one, or none for any free one"
    )


def test_another_port_is_taken_where_the_usual_one_is_in_use(results, monkeypatch, server):
    monkeypatch.setattr("genometracks.browse.page.serve.PORT", server.server_port)
    with open_server(find_site(results)) as other:
        assert other.server_port not in (0, server.server_port)
