"""The table of an evaluation, evaluation.tsv: its rows, written and read.

Rows of observed tracks come first, then those of sites. The columns of sites exist only if there
are rows of sites. The columns of the other kind are empty.

pandas is imported only where the table is written or read: the commands that do neither start
without it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, TypeVar

from genometracks.common.records import from_plain
from genometracks.common.sealing import Seal, write_sealed
from genometracks.config.sections import Observed, Sites
from genometracks.evaluation.observed import observed_label
from genometracks.evaluation.sites import site_label

__all__ = [
    "Correlation",
    "SiteScore",
    "find_row",
    "find_site_row",
    "name_shift",
    "read_evaluation",
    "read_site_scores",
    "write_evaluation",
]

BinsIn = Literal["all", "held_out"]
ALL_CONTIGS = "*"
"""Stands in the column `contig` for all contigs together."""


@dataclass(frozen=True)
class Correlation:
    """A row: the correlation of a predicted track with an observed one.

    Attributes
    ----------
    track, observed : str
        Names of the two tracks.
    contig : str
        `*`: all contigs together.
    bins_in : str
        Which bins of the contig: `all` or `held_out`.
    bins : int
        Number of bins compared.
    pearson, spearman : float
        NaN where not defined.
    """

    track: str
    observed: str
    contig: str
    bins_in: BinsIn
    bins: int
    pearson: float
    spearman: float


@dataclass(frozen=True)
class SiteScore:
    """A row: how well a predicted track finds the sites of a file.

    Attributes
    ----------
    track, observed : str
        Names of the track and of the entry.
    contig, bins_in, bins
        As in `Correlation`.
    sites : int
        Number of distinct sites on the contig.
    left_out : int
        Sites that are in none of the row's bins.
    positives : int
        Number of bins with a site, k.
    top_k, average_precision : float
        As in `ranking.Ranking`; NaN where not defined.
    shift : int
        Bins by which the sites are moved for the control.
    shifted_positives, shifted_top_k, shifted_average_precision
        The same of the control.
    """

    track: str
    observed: str
    contig: str
    bins_in: BinsIn
    bins: int
    sites: int
    left_out: int
    positives: int
    top_k: float
    average_precision: float
    shift: int
    shifted_positives: int
    shifted_top_k: float
    shifted_average_precision: float


Row = TypeVar("Row", Correlation, SiteScore)
COLUMNS = tuple(column.name for column in fields(Correlation))
OF_SITES = {column.name: column.type for column in fields(SiteScore) if column.name not in COLUMNS}
"""Columns that only rows of sites have, and their types."""


def write_evaluation(
    rows: Sequence[Correlation], path: Path, *, sites: Sequence[SiteScore] = ()
) -> Seal:
    """Write the rows of `evaluate` and `evaluate_sites` as a TSV, whole or not at all.

    Numbers have 6 significant digits; one that is not defined is an empty field.

    Returns
    -------
    Seal
        Of the file.
    """
    import pandas as pd

    columns = [*COLUMNS, *OF_SITES] if sites else COLUMNS
    table = pd.DataFrame([vars(row) for row in (*rows, *sites)], columns=list(columns))
    whole = [name for name in columns if OF_SITES.get(name) is int]
    table = table.astype({name: "Int64" for name in whole})
    text = table.to_csv(sep="\t", index=False, float_format="%.6g", lineterminator="\n")
    with write_sealed(path) as file:
        file.write(text.encode())
    return file.sealed


def read_evaluation(path: str | Path) -> list[Correlation]:
    """Read the rows of observed tracks that `write_evaluation` wrote."""
    return _read_rows(Correlation, path)


def read_site_scores(path: str | Path) -> list[SiteScore]:
    """Read the rows of sites that `write_evaluation` wrote."""
    return _read_rows(SiteScore, path)


def _read_rows(kind: type[Row], path: str | Path) -> list[Row]:
    import pandas as pd

    # As text, and without words for missing values: a track may be called NA.
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    rows = []
    for row in table.to_dict("records"):
        if bool(row.get("positives")) == (kind is SiteScore):
            cells = {each.name: _read_cell(row[each.name], each.type) for each in fields(kind)}
            rows.append(from_plain(kind, cells))
    return rows


def _read_cell(text: str, kind: object) -> str | int | float:
    if kind is int:
        return int(text)
    return float(text or "nan") if kind is float else text


def find_row(rows: Iterable[Correlation], entry: Observed) -> Correlation:
    """The row over all contigs of an observed track: of held-out bins if there is one."""
    return _find_row(rows, entry.track, observed_label(entry))


def find_site_row(rows: Iterable[SiteScore], entry: Sites) -> SiteScore:
    """The row over all contigs of an entry of sites: of held-out bins if there is one."""
    return _find_row(rows, entry.track, site_label(entry))


def _find_row(rows: Iterable[Row], *names: str) -> Row:
    own = [row for row in rows if row.contig == ALL_CONTIGS and (row.track, row.observed) == names]
    return next((row for row in own if row.bins_in == "held_out"), own[0])


def name_shift(shift: int) -> str:
    """A number of bins, in words.

    Examples
    --------
    >>> name_shift(1), name_shift(-3)
    ('1 bin', '-3 bins')
    """
    return f"{shift:,} bin{'' if abs(shift) == 1 else 's'}"
