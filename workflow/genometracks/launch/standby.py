"""Jobs on this machine start at once: their processes are forked from one that has imported all.

Without it, most of the time of a small run is spent on imports, which every job repeats.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

__all__ = ["CLIENT", "stand_by"]

CLIENT = """#!{python} -IS
import json, os, signal, socket, sys

signals = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
signals = [number for number in signals if signal.getsignal(number) != signal.SIG_IGN]
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
umask = os.umask(0)
os.umask(umask)
request = {{
    "words": sys.argv[1:],
    "folder": os.getcwd(),
    "environment": dict(os.environ),
    "group": os.getpgrp(),
    "umask": umask,
}}
link = socket.socket(socket.AF_UNIX)
answers = link.makefile("rb")
text = json.dumps(request).encode() + b"\\n"
try:
    link.connect({address!r})
    link.sendall(text[socket.send_fds(link, [text], [0, 1, 2]) :])
    process = int(answers.readline() or 0)
except OSError:
    process = 0
for number in signals if process else ():
    signal.signal(number, lambda received, frame: os.kill(process, received))
signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
if not process:  # the process does not listen yet, has ended, or cannot fork
    os.execv({python!r}, [{python!r}, "-P", "-m", "genometracks.cli", *sys.argv[1:]])
try:
    status = answers.readline()
except OSError:
    status = b""
if not status:
    sys.exit("genometracks: the process that runs the jobs has ended: run again to continue")
os._exit(int(status))
"""
"""A `genometracks` that runs its command in a forked process, and ends with its status."""


FITTING = re.compile(r"\S{1,100}")
"""Path of an interpreter that the first line of a script can name, on any kernel."""

# Readable by this user only; the process deletes it, too, if it ends last.
_make_folder = partial(
    tempfile.TemporaryDirectory, prefix="genometracks-", ignore_cleanup_errors=True
)


@contextmanager
def stand_by() -> Iterator[Path | None]:
    """Run the process from which jobs are forked, while the block runs.

    Yields
    ------
    Path or None
        Folder with a `genometracks` to be first on the jobs' PATH; None where this cannot be done
        (it needs Linux, and a path of Python that a script can name), or PATH has a `genometracks`
        that is not of this Python, which takes precedence.
    """
    found, python = shutil.which("genometracks"), Path(sys.executable)
    other = found and Path(found).parent != python.parent
    if sys.platform != "linux" or other or not FITTING.fullmatch(str(python)):
        yield None
        return
    with _make_folder() as name:
        folder = Path(name)
        address = str(folder / "socket")
        client = folder / "genometracks"
        client.write_text(CLIENT.format(python=sys.executable, address=address))
        client.chmod(0o700)
        reader, writer = os.pipe()
        try:
            server = subprocess.Popen(
                [sys.executable, "-P", "-m", f"{__name__}_server", address, str(reader)],
                stdin=subprocess.DEVNULL,
                pass_fds=[reader],
            )
            os.close(reader)
            try:
                yield folder
            finally:
                server.kill()
                server.wait()
        finally:
            os.close(writer)
