"""Reports in tests: their HTML parsed, and what their runs are made of."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyBigWig


@dataclass
class Parsed(HTMLParser):
    """What a report shows: its text, its tables by id, and all addresses in it."""

    text: str = ""
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    _table: list[list[str]] | None = None
    _cell: bool = False
    _hidden: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self.addresses += [given[key] for key in ("href", "src", "data", "action") if key in given]
        self._hidden = tag in ("script", "style")
        if tag == "table":
            self._table = self.tables.setdefault(given.get("id", ""), [])
        elif tag == "tr":
            self._table.append([])
        elif tag in ("td", "th"):
            self._table[-1].append("")
            self._cell = True

    def handle_endtag(self, tag):
        self._hidden = False
        if tag in ("td", "th"):
            self._cell = False

    def handle_data(self, data):
        if self._hidden:
            return
        self.text += data
        if self._cell:
            self._table[-1][-1] += data

    def rows(self, table: str) -> list[dict[str, str]]:
        """The rows of a table by the names of its columns."""
        head, *rows = self.tables[table]
        return [dict(zip(head, row, strict=True)) for row in rows]


def parse(report: Path) -> Parsed:
    """Parse a report."""
    parsed = Parsed()
    parsed.feed(report.read_text())
    return parsed


def write_observed(path: Path, lengths: dict[str, int], *, seed: int = 0) -> Path:
    """Write an observed bigWig of random values at single bases."""
    rng = np.random.default_rng(seed)
    with pyBigWig.open(str(path), "w") as out:
        out.addHeader(sorted(lengths.items()))
        for contig, length in sorted(lengths.items()):
            out.addEntries(contig, 0, values=rng.random(length).tolist(), span=1, step=1)
    return path


def write_log(path: Path, stage: str, *, seconds: int, peak: int, start: int = 0) -> None:
    """Write the log of a job that ran at the given second of a minute."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ends = start, start + seconds
    first, last = (f"2026-01-01T00:00:{second:02d}.000+00:00" for second in ends)
    path.write_text(f"{first} started {stage}\n{last} finished {stage} peak {peak:,} MB\n")
