"""The page: a genome browser with a run's tracks, as files that any web server with ranges serves.

Its parts are in `assets/`: igv.js, and our own HTML, CSS and JavaScript. What is shown is in
data.json; names in it are text, never HTML or code.
"""

import html
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from genometracks.browse.page.page_data import make_page_data
from genometracks.browse.scene import Scene
from genometracks.common.records import format_record
from genometracks.common.sealing import Seal, write_sealed

__all__ = ["ASSETS", "IGV", "IGV_SHA256", "write_page", "write_sheet_page"]

IGV = "3.8.10"
"""Version of igv.js, the npm package `igv`, of which assets/igv.min.js is dist/igv.min.js."""

IGV_SHA256 = "87b991ae2a720978172e269dd5127c495e56df5af31144dff19c83124e2f5744"

ASSETS = (
    "address.js",
    "catalogue.js",
    "elements.js",
    "header.js",
    "igv.LICENSE.txt",
    "igv.min.js",
    "page.css",
    "page.js",
    "picker.js",
    "probe.js",
    "rows.js",
    "start.js",
    "view.js",
)
"""Files that are copied as they are."""


def write_page(scene: Scene) -> list[Seal]:
    """Write the page of a run to `{run}/page/`, and return the files' seals.

    The bytes depend on the scene and on this program's version only.

    Raises
    ------
    UserError
        If the files cannot be written.
    """
    return _write(scene.folder.page, [scene], title=scene.run)


def write_sheet_page(folder: Path, scenes: Sequence[Scene]) -> list[Seal]:
    """Write one page of several runs to a folder, and return the files' seals.

    Parameters
    ----------
    folder : Path
        `{results}/page`.
    scenes : sequence of Scene
        One per run, in the order in which they are shown.

    Raises
    ------
    UserError
        If the files cannot be written.
    """
    return _write(folder, scenes, title=f"{len(scenes)} runs")


def _write(folder: Path, scenes: Sequence[Scene], *, title: str) -> list[Seal]:
    assets = files("genometracks.browse.page") / "assets"
    template = (assets / "index.html").read_text("utf-8")
    contents = {name: (assets / name).read_bytes() for name in ASSETS}
    contents["data.json"] = format_record(make_page_data(scenes, folder)).encode()
    contents["index.html"] = template.replace("{title}", html.escape(title)).encode()
    seals = []
    for name, content in contents.items():  # index.html last: without it there is no page
        with write_sealed(folder / name) as file:
            file.write(content)
        seals.append(file.sealed)
    return seals
