"""The table of correlations, evaluation.tsv: its rows, written and read.

pandas is imported only where the table is written or read: the commands that do neither start
without it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from genometracks.common.records import from_plain
from genometracks.common.sealing import Seal, write_sealed
from genometracks.config.sections import Observed
from genometracks.evaluation.observed import observed_label

__all__ = ["Correlation", "find_row", "read_evaluation", "write_evaluation"]

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


def write_evaluation(rows: Sequence[Correlation], path: Path) -> Seal:
    """Write the rows of `evaluate` as a TSV, whole or not at all; return its seal.

    Correlations have 6 significant digits; one that is not defined is an empty field.
    """
    import pandas as pd

    table = pd.DataFrame(rows, columns=[column.name for column in fields(Correlation)])
    text = table.to_csv(sep="\t", index=False, float_format="%.6g", lineterminator="\n")
    with write_sealed(path) as file:
        file.write(text.encode())
    return file.sealed


def read_evaluation(path: str | Path) -> list[Correlation]:
    """Read what `write_evaluation` wrote."""
    import pandas as pd

    # As text, and without words for missing values: a track may be called NA.
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    table["bins"] = table["bins"].map(int)
    for column in ("pearson", "spearman"):
        table[column] = table[column].map(lambda text: float(text or "nan"))
    return [from_plain(Correlation, row) for row in table.to_dict("records")]


def find_row(rows: Iterable[Correlation], entry: Observed) -> Correlation:
    """The row over all contigs of an observed track: of held-out bins if there is one."""
    names = (entry.track, observed_label(entry))
    own = [row for row in rows if row.contig == ALL_CONTIGS and (row.track, row.observed) == names]
    return next((row for row in own if row.bins_in == "held_out"), own[0])
