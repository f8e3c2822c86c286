"""Hostile configs end in one line, odd paths work, and secrets are in no file of a run."""

import json
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import yaml

from pipeline import CPU, planned_rules, run, snakemake, write_project

pytestmark = pytest.mark.usefixtures("warm_tools")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "shards: 2\nshards: 3\n",
            ": not YAML: key 'shards' is given twice: correct",
        ),
        ('results: "a\\0b"\n', "config: results: 'a\\x00b' has the character U+0000: remove it"),
        ("results: a{}\n", "a{}: Snakemake writes to no folder with braces in its name, which are"),
        ("shards: .nan\n", "config: shards: nan is not a finite number: correct it"),
        (
            "evaluation: &a {observed: [*a]}\n",
            ": not YAML: an alias refers to a list",
        ),
        (
            "__use_yte__: true\n",
            "config.yaml: __use_yte__: Snakemake executes Python in such a file",
        ),
    ],
)
def test_a_hostile_config_is_one_line(tmp_path, text, line):
    write_project(tmp_path, run="r", bases=2000, prediction=CPU)
    with open(tmp_path / "config.yaml", "a") as file:
        file.write(text)
    done = snakemake(tmp_path, "-n")
    assert done.returncode == 1
    assert line in done.stderr and done.stderr.startswith("grelu-tracks: ")
    assert len(done.stderr.splitlines()) == 1 and not done.stdout


def test_all_errors_of_a_config_are_lines_of_their_own(tmp_path):
    write_project(tmp_path, run="r", bases=2000, prediction={**CPU, "trim": -1})
    (tmp_path / "g.fa").unlink()
    with open(tmp_path / "config.yaml", "a") as file:
        file.write("shard: 2\n")
    done = snakemake(tmp_path, "-n")
    assert done.returncode == 1 and not done.stdout
    assert done.stderr.splitlines() == [
        "grelu-tracks: config: unknown key 'shard': did you mean 'shards'?",
        "grelu-tracks: config: prediction.trim: -1 is less than the minimum of 0",
        "grelu-tracks: g.fa: no such file: check genome.fasta",
    ]


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_secrets_of_an_address_are_in_no_file(tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    write_project(project, run="r", bases=2000, prediction=CPU, shards=1)
    (project / "g.fa").rename(tmp_path / "g{x}.fa")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=tmp_path))
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{server.server_port}/g%7Bx%7D.fa"
    config = yaml.safe_load((project / "config.yaml").read_text())
    config["genome"]["fasta"] = f"http://me:pass1word@{address}?token=to1ken"
    config["results"] = "out 'of'; $x"
    (project / "config.yaml").write_text(yaml.safe_dump(config))
    try:
        printed = run(project, "-p", "--verbose")
    finally:
        server.shutdown()
        server.server_close()
    results = project / "out 'of'; $x" / "r"
    manifest = json.loads((results / "manifest.json").read_text())
    assert manifest["config"]["genome"]["fasta"] == f"http://***@{address}?***"
    assert f"http://***@{address}?***" in printed
    (project / "config.yaml").rename(tmp_path / "config.yaml")
    files = [path for path in project.rglob("*") if path.is_file()]
    assert len(files) > 20
    for text in (printed.encode(), *(path.read_bytes() for path in files)):
        assert b"pass1word" not in text and b"to1ken" not in text
    (tmp_path / "config.yaml").rename(project / "config.yaml")
    assert planned_rules(project) == set(), "a finished run is not repeated"
