"""The website of the documentation is built without a warning, and loads nothing from elsewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The website, in a folder."""
    out = tmp_path_factory.mktemp("site") / "out"
    command = [sys.executable, str(ROOT / "docs" / "site.py"), str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr
    return out


def test_every_guide_is_a_page(site):
    for guide in (ROOT / "docs").glob("*.md"):
        assert (site / "docs" / guide.stem / "index.html").is_file(), guide
    title = re.search("<title>(.*?)</title>", (site / "config" / "index.html").read_text())[1]
    assert title.startswith("Configuration reference")


def test_pages_load_nothing_from_elsewhere(site):
    elsewhere = "(?:https?:)?//"
    loads = (
        f'<(?:script|img|iframe)[^>]* src="{elsewhere}'
        f'|<link[^>]* rel="(?:stylesheet|preconnect)"[^>]* href="{elsewhere}'
    )
    for page in site.rglob("*.html"):
        assert not re.search(loads, page.read_text()), page


@pytest.mark.parametrize(("words", "status"), [(["--help"], 0), ([], 2), (["--out", "x"], 2)])
def test_options_are_no_folders(tmp_path, words, status):
    command = [sys.executable, str(ROOT / "docs" / "site.py"), *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == status and "usage: site.py [-h] OUT" in done.stdout + done.stderr
    assert not list(tmp_path.iterdir())
