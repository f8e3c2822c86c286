"""Runs of the command line, each in a process of its own that starts at once and may be harmed.

A server that has imported everything (torch alone takes seconds) forks a process for each run. The
process can be killed at a chosen step or after a time, find the disk full, or be bound by the
permissions of files. No state passes from one run to the next.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

SERVER = Path(__file__).with_name("warm_server.py")
PROGRAMS = ("genometracks", "snakemake")
SCRIPT = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as link:
    link.connect({address!r})
    request = {{"program": {program!r}, "commands": [sys.argv[1:]], "folder": os.getcwd()}}
    request["environment"] = dict(os.environ)
    request.update(json.loads(os.environ.get("WARM_HOW", "{{}}")))
    socket.send_fds(link, [json.dumps(request).encode() + b"\\n"], [0, 1, 2])
    sys.exit(json.loads(link.makefile().readline())["status"])
"""


@dataclass
class Ended:
    """Result of a run: exit status (negative: killed by a signal), steps done, text on stderr."""

    status: int
    steps: int
    err: str


class Warm:
    """Client of the server, which runs as long as this context manager."""

    def __enter__(self) -> "Warm":
        self._folder = tempfile.TemporaryDirectory()  # a socket's name must be short
        self.address = f"{self._folder.name}/socket"
        single = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
        self._server = subprocess.Popen(
            [sys.executable, str(SERVER), self.address],
            env={**os.environ, **single, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdout=subprocess.PIPE,
        )
        assert self._server.stdout.readline() == b"ready\n"
        return self

    def __exit__(self, *_) -> None:
        self._server.terminate()
        self._server.wait()
        self._server.stdout.close()
        self._folder.cleanup()

    def run(self, *commands: list[str], **how) -> Ended:
        """Run commands of `genometracks` one after another until one fails.

        Parameters
        ----------
        commands : lists of str
            Arguments of the command line.
        how : dict
            `at` and `after`: number of the step before (after) which the process is killed or, if
            the named pipe `hold` is given, waits until a writer has opened and closed the pipe;
            `only`: names of the functions that count as steps, if not all;
            `error`: the step fails with this errno, and nothing is killed;
            `seconds` after which it is killed; `limit`: maximal size of a file, in bytes;
            `heed`: file permissions bind root as any other user; `folder` to work in.
        """
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(self.address)
            link.sendall(json.dumps({"commands": commands, **how}).encode() + b"\n")
            return Ended(**json.loads(link.makefile().readline()))

    def install(self, folder: Path) -> Path:
        """Write a `genometracks` and a `snakemake` that run in the server; return their folder.

        A program works in its caller's folder, environment and standard streams, and is killed
        when the caller is. The variable WARM_HOW (JSON) holds what `run` takes as `how`.
        """
        folder.mkdir()
        for program in PROGRAMS:
            script = folder / program
            names = {"python": sys.executable, "address": self.address, "program": program}
            script.write_text(SCRIPT.format(**names))
            script.chmod(0o755)
        return folder
