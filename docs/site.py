"""Build the documentation as a website: `python docs/site.py OUT`, by MkDocs, in strict mode.

The pages are the Markdown files of the repository, at their own paths, so that links between them
work on the site as they do in the repository. Files that they link to come along.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
STYLE = Path("docs/site.css")
PAGES = (
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "benchmarks/*.md",
    "config/README.md",
    "docs/*.md",
    "examples/*/*/*.md",
)


def main() -> int:
    """Build the site into the folder that the command line names."""
    parser = argparse.ArgumentParser(description="Build the documentation as a website.")
    parser.add_argument("out", metavar="OUT", type=Path, help="folder of the site")
    out = parser.parse_args().out.absolute()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        for path in list_files():
            copy = source / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, copy)
        config = Path(folder) / "mkdocs.yml"
        text = (ROOT / "docs" / "mkdocs.yml").read_text(encoding="utf-8")
        config.write_text(f"docs_dir: {source}\n{text}", encoding="utf-8")
        command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--clean"]
        quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # news of the theme's authors
        return subprocess.run([*command, "-f", str(config), "-d", str(out)], env=quiet).returncode


def list_files() -> set[Path]:
    """Paths, inside the repository, of the pages, their style and the files that they link to."""
    pages = {page.relative_to(ROOT) for pattern in PAGES for page in ROOT.glob(pattern)}
    return {*pages, STYLE, *(file for page in pages for file in _list_links(page))}


def _list_links(page: Path) -> Iterator[Path]:
    """Yield the files that a page links to, inside the repository."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        file = (ROOT / page).parent / target
        if ":" not in target and file.is_file():
            yield file.resolve().relative_to(ROOT)


if __name__ == "__main__":
    sys.exit(main())
