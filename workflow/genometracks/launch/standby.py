"""Jobs on this machine start at once: their processes are forked from one that has imported all.

Without it, most of the time of a small run is spent on imports, which every job repeats.
"""

import os
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

link = socket.socket(socket.AF_UNIX)
try:
    link.connect({address!r})
except OSError:  # the process has ended
    os.execv({python!r}, [{python!r}, "-m", "genometracks.cli", *sys.argv[1:]])
umask = os.umask(0)
os.umask(umask)
request = {{
    "words": sys.argv[1:],
    "folder": os.getcwd(),
    "environment": dict(os.environ),
    "group": os.getpgrp(),
    "umask": umask,
}}
answers = link.makefile("rb")
signals = {{signal.SIGINT, signal.SIGTERM, signal.SIGHUP}}
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
text = json.dumps(request).encode() + b"\\n"
link.sendall(text[socket.send_fds(link, [text], [0, 1, 2]) :])
process = int(answers.readline() or 0)
for number in signals:
    if process and signal.getsignal(number) != signal.SIG_IGN:
        signal.signal(number, lambda number, frame: os.kill(process, number))
signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
status = answers.readline()
if not status:
    sys.exit("genometracks: the process that runs the jobs has ended: run again to continue")
os._exit(int(status))
"""
"""A `genometracks` that runs its command in a forked process, and ends with its status."""


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
        Folder with a `genometracks` to be first on the jobs' PATH; None where the system cannot
        do this (it needs Linux), or PATH has a `genometracks` that is not of this Python, which
        takes precedence.
    """
    found = shutil.which("genometracks")
    if sys.platform != "linux" or (found and Path(found).parent != Path(sys.executable).parent):
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
                [sys.executable, "-m", f"{__name__}_server", address, str(reader)],
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
