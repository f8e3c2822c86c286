"""Installs a package for a test: its files and the metadata that pip would write, on `sys.path`."""

import importlib
import sys
import tomllib
from pathlib import Path


def install(monkeypatch, folder: Path, *, into: Path) -> None:
    """Put the package of a `pyproject.toml` on the path, with its entry points.

    Parameters
    ----------
    monkeypatch
        Removes it again.
    folder : Path
        Has `pyproject.toml` and the modules.
    into : Path
        Where the metadata are written.
    """
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    name, version = project["name"], project["version"]
    metadata = into / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = []
    for group, points in project.get("entry-points", {}).items():
        lines += [f"[{group}]", *(f"{point} = {value}" for point, value in points.items())]
        for value in points.values():
            module = value.partition(":")[0]
            for loaded in [each for each in sys.modules if each.split(".")[0] == module]:
                monkeypatch.delitem(sys.modules, loaded)
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
    for path in {str(folder), str(into)}:
        monkeypatch.syspath_prepend(path)
    importlib.invalidate_caches()
