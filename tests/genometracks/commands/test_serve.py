"""The command `serve`: what it prints, and how it ends."""

import os
import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from genometracks.cli import main


@pytest.fixture
def page(tmp_path):
    (tmp_path / "run" / "page").mkdir(parents=True)
    (tmp_path / "run" / "page" / "index.html").write_text("the page")
    (tmp_path / "run" / "bigwig").mkdir()
    return tmp_path / "run"


def start(page, *words, **environment):
    """Start the command in a process of its own."""
    known = {key: value for key, value in os.environ.items() if key != "SSH_CONNECTION"}
    return subprocess.Popen(
        [sys.executable, "-m", "genometracks.cli", "serve", str(page), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**known, **environment},
    )


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 0)])
def test_a_page_is_served_until_a_signal(page, number, status):
    process = start(page)
    first = process.stdout.readline()
    address = re.fullmatch(rf"{page}: (http://127\.0\.0\.1:\d+/run/page/)\n", first)[1]
    assert process.stdout.readline() == "Ctrl-C ends it\n"
    with urllib.request.urlopen(address) as answer:
        assert answer.read() == b"the page"
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (status, "")


def test_over_ssh_the_command_of_a_tunnel_is_printed(page):
    process = start(page, SSH_CONNECTION="1.2.3.4 5 6.7.8.9 22")
    address, tunnel = process.stdout.readline(), process.stdout.readline()
    port = re.search(r":(\d+)/", address)[1]
    assert tunnel.startswith(f"on your own computer, first: ssh -N -L {port}:127.0.0.1:{port} ")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 0


def test_a_folder_without_a_page_is_one_line(tmp_path, capsys):
    assert main(["serve", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"genometracks serve: {tmp_path}: no run with a page is there: give the folder of a run\n"
    )


@pytest.mark.parametrize("port", ["0", "x", "65536", "-1", "²"])
def test_a_port_that_is_none_is_refused(page, port, capsys):
    with pytest.raises(SystemExit):
        main(["serve", str(page), f"--port={port}"])
    assert f"'{port}' is not a port: give a number from 1 to 65535" in capsys.readouterr().err
