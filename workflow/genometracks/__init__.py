"""Genome-wide tracks of a DNA sequence model. `genometracks.open` reads a finished run."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from genometracks.reading.run import Run

__all__ = ["open"]


def open(folder: "str | Path") -> "Run":
    """Open a finished run.

    Parameters
    ----------
    folder : str or Path
        `results/RUN`.

    Returns
    -------
    Run
        `tracks`, `contigs`, `config`, `manifest`, and `read(contig, start, end, tracks=[...])`.

    Raises
    ------
    UserError
        If the folder is not that of a finished run.
    """
    from genometracks.reading.run import Run  # here: importing the package must stay cheap

    return Run(folder)
