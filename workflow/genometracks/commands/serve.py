"""A web server on this computer for the page of a run."""

import argparse
import os
import shlex
from contextlib import suppress
from pathlib import Path

from genometracks.commands.arguments import Commands, add_command


def add_commands(commands: Commands) -> None:
    """Add `serve`."""
    parser = add_command(commands, "serve", run_serve)
    parser.add_argument("folder", type=Path, help="folder of a run, or of the runs of a sheet")
    parser.add_argument(
        "--port", type=_parse_port, help="port on 127.0.0.1; default: 8642, or any free one"
    )
    parser.add_argument("--open", action="store_true", help="open the page in the web browser")
    parser.add_argument(
        "--allow-origin",
        metavar="ORIGIN",
        help="another site that may read the files, e.g. http://localhost:3000 of a JBrowse",
    )


def run_serve(args: argparse.Namespace) -> None:
    """Serve the page of a run on this computer, until Ctrl-C."""
    from genometracks.browse.page.serve import open_server
    from genometracks.browse.page.site import find_site

    site = find_site(args.folder)
    with (
        suppress(KeyboardInterrupt),
        open_server(site, args.port, origin=args.allow_origin) as server,
    ):
        print(f"{args.folder}: {server.address}", flush=True)
        if "SSH_CONNECTION" in os.environ:
            print(f"on your own computer, first: {describe_tunnel(server.server_port)}", flush=True)
        print("Ctrl-C ends it", flush=True)
        if args.open:
            import webbrowser

            webbrowser.open(server.address)
        server.serve_forever(poll_interval=0.2)


def describe_tunnel(port: int) -> str:
    """The command that makes a port of this computer available on another one, by ssh."""
    import getpass
    import socket

    try:
        user = f"{getpass.getuser()}@"
    except (KeyError, OSError):
        user = ""
    return f"ssh -N -L {port}:127.0.0.1:{port} {shlex.quote(user + socket.gethostname())}"


def _parse_port(text: str) -> int:
    number = int(text) if text.isascii() and text.isdecimal() else -1
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number from 1 to 65535")
    return number
