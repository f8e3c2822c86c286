"""Write the tables of keys in config/README.md from the schema: `python config/reference.py`.

The text outside the markers is written by hand. A test fails while the tables differ from the
schema.
"""

import json
import re
from itertools import groupby
from pathlib import Path
from typing import Any

from genometracks.config.schema import list_keys

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- keys: begin -->", "<!-- keys: end -->"
HEAD = "| key | default | type | meaning |\n|---|---|---|---|\n"

GUIDES = {
    "run": "Guides: [many runs](../docs/sheets.md), "
    "[number of shards](../docs/auto.md#what-auto-chooses), [clusters](../docs/cluster.md).",
    "genome": "Guides: [genomes](../docs/genomes.md), "
    "[what page and hub show](../docs/hub.md#what-the-config-says).",
    "model": "Guides: [models](../docs/models.md), [your own](../docs/own-models.md), "
    "[a longer window](../docs/auto.md#what-auto-chooses).",
    "prediction": "Guides: [windows](../docs/windows.md), [averages](../docs/averages.md), "
    "[`auto`](../docs/auto.md), [several GPUs](../docs/cluster.md#several-gpus-no-scheduler).",
    "output": "Guides: [selection, groups and pairs](../docs/averages.md#which-tracks), "
    "[scale](../docs/averages.md#scale), [files](../docs/outputs.md).",
    "evaluation": "Guide: [evaluation](../docs/evaluation.md).",
    "browser": "Guides: [the page](../docs/page.md), [track hub](../docs/hub.md).",
}
"""What follows the heading of each section, in the order of the page; `run` is the top level."""

NAMES = {"array": "list", "object": "mapping"}
"""YAML's names for types of JSON Schema."""


def write_reference(readme: str) -> str:
    """Return the text of config/README.md with its tables written anew."""
    before, rest = readme.split(BEGIN)
    return f"{before}{BEGIN}\n{describe_keys()}\n{END}{rest.split(END)[1]}"


def describe_keys() -> str:
    """Return one table of keys per section of the config, as Markdown."""
    rows = [(_find_section(key), key, schema) for key, schema in list_keys() if _is_listed(schema)]
    sections = groupby(sorted(rows, key=lambda row: list(GUIDES).index(row[0])), lambda row: row[0])
    return "".join(_describe_section(name, list(rows)) for name, rows in sections)


def _find_section(key: str) -> str:
    return key.split(".")[0] if "." in key else "run"


def _is_listed(schema: dict[str, Any]) -> bool:
    """Whether a key has a value of its own; else only the keys inside it are listed."""
    return schema.get("type") != "object" or not schema.get("properties")


def _describe_section(name: str, rows: list[tuple[str, str, dict[str, Any]]]) -> str:
    title = "Top level" if name == "run" else f"`{name}`"
    lines = [
        f"| `{key}` | {_describe_default(schema)} | {_describe_type(schema)} "
        f"| {schema['description']} |\n"
        for _, key, schema in rows
    ]
    return f"\n### {title}\n\n{GUIDES[name]}\n\n{HEAD}{''.join(lines)}"


def _describe_default(schema: dict[str, Any]) -> str:
    if "default" not in schema:
        return "required"
    default = schema["default"]
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _describe_type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(f"`{'null' if each is None else each}`" for each in schema["enum"])
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    auto = re.fullmatch(r"\^(\w+)\$", schema.get("pattern", ""))  # the one text that is allowed
    return " or ".join(
        f"`{auto[1]}`" if auto and each == "string" else NAMES.get(each, each) for each in types
    )


if __name__ == "__main__":
    README.write_text(write_reference(README.read_text(encoding="utf-8")), encoding="utf-8")
