"""CITATION.cff is valid, and states what pyproject.toml and LICENSE state."""

import re
import tomllib

import yaml

from pipeline import ROOT


def test_the_citation_file_has_the_required_keys_and_agrees_with_the_package():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert cited["cff-version"] == "1.2.0" and cited["type"] == "software"
    assert {"message", "title", "authors"} <= set(cited)
    assert cited["title"] == project["name"] and cited["version"] == project["version"]
    assert cited["license"] == project["license"] == "MIT"
    assert cited["abstract"] == project["description"]
    holders = re.findall(r"^Copyright \(c\) [0-9-]+ (.+)$", (ROOT / "LICENSE").read_text(), re.M)
    assert [author["name"] for author in cited["authors"]] == holders
