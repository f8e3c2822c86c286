"""The bigWigs of a run, read where it has no Parquet table."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genometracks.bigwig.reader import BigWigReader
from genometracks.errors import UserError
from genometracks.reading.about import Grid
from genometracks.reading.table import Track
from genometracks.reading.values import Bins


class BigWigSource:
    """The bigWigs of a run.

    Parameters
    ----------
    folder : Path
        `{track}.bw` of each track.
    grid : Grid
        The bins of the run.
    """

    kind = "bigWig"

    def __init__(self, folder: Path, grid: Grid) -> None:
        self._folder, self._grid = folder, grid

    def read(self, contig: str, first: int, last: int, tracks: Sequence[Track]) -> Bins:
        """Read the bins [first, last) of a contig.

        Raises
        ------
        UserError
            If a file is missing or damaged.
        """
        bins, values = None, None
        for row, track in enumerate(tracks):
            path = self._folder / f"{track.track}.bw"
            found, column = self._read_track(path, contig, first, last)
            if bins is None or values is None:
                bins, values = found, np.empty((len(tracks), len(found)), np.float32)
            elif not np.array_equal(found, bins):
                raise UserError(
                    f"{path}: its bins on {contig} are not those of {tracks[0].track}.bw: delete "
                    "both and run again: they are written again without a prediction"
                )
            values[row] = column
        if bins is None or values is None:
            raise ValueError("no tracks")
        return Bins(bins, values)

    def _read_track(
        self, path: Path, contig: str, first: int, last: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        step = self._grid.bin
        starts, values = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        with BigWigReader(path) as file:
            if contig in file.contigs and first < last:
                for begins, _, numbers in file.intervals(contig, first * step, last * step):
                    inside = (begins >= first * step) & (begins < last * step)
                    starts.append(begins[inside])
                    values.append(numbers[inside])
        joined = np.concatenate(starts)
        if (joined % step).any() or (np.diff(joined) <= 0).any():
            raise UserError(
                f"{path}: its intervals on {contig} are not the run's bins of {step} bp: delete "
                "it and run again: it is written again without a prediction"
            )
        return joined // step, np.concatenate(values)
