"""A finished run, opened: its tracks, and its values as pandas tables."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from genometracks.common.json_text import parse_json
from genometracks.config.folders import RunFolder
from genometracks.errors import UserError
from genometracks.reading.about import load_about
from genometracks.reading.regions import Region, make_region
from genometracks.reading.table import Track, Wanted, choose_tracks, load_tracks
from genometracks.reading.values import Bins, Reader, Source, find_bins

if TYPE_CHECKING:
    import pandas as pd

Places = npt.NDArray[np.int64]
COORDINATES = "bp, 0-based, half-open"


class Run:
    """A finished run. `genometracks.open` returns it.

    Parameters
    ----------
    folder : str or Path
        `{results}/{run}`, with its manifest.json, tracks.tsv, and parquet/ or bigwig/.

    Attributes
    ----------
    path : Path
        The folder.
    name : str
        Name of the run.
    contigs : dict
        Contig -> length in bp.
    config : dict
        The resolved config, in which secrets are masked.

    Raises
    ------
    UserError
        If the folder is not that of a finished run, or has neither Parquet nor bigWigs.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder).expanduser()
        self._folder = RunFolder(self.path)
        self._about = load_about(self._folder)
        self.name, self.config = self._about.run, self._about.config
        self.contigs = self._about.lengths
        self.grid = self._about.geometry
        self.listed = load_tracks(self._folder.tracks)

    def __repr__(self) -> str:
        size, grid = sum(self.contigs.values()), self.grid
        span = f" that cover {grid.span} bp" if grid.span < grid.bin else ""
        return (
            f"<Run {self.name}: {len(self.listed):,} tracks in bins of {grid.bin} bp{span}, "
            f"{self._about.genome.name} ({len(self.contigs):,} contigs, {size:,} bp), "
            f"{self.source.kind}>"
        )

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Everything that manifest.json states."""
        plain: dict[str, Any] = parse_json(self._folder.manifest.read_bytes())
        return plain

    @cached_property
    def source(self) -> Source:
        """Where the values are read from: the Parquet table if there is one, or the bigWigs."""
        if self._folder.parquet.is_dir():
            from genometracks.reading.parquet import ParquetSource

            return ParquetSource(self._folder.parquet, self.grid)
        if self._folder.bigwig.is_dir():
            from genometracks.reading.bigwigs import BigWigSource

            return BigWigSource(self._folder.bigwig, self.grid)
        raise UserError(
            f"{self.path}: there is neither parquet/ nor bigwig/: set output.parquet: true and run "
            "again: it is written without a prediction"
        )

    @cached_property
    def tracks(self) -> "pd.DataFrame":
        """tracks.tsv: one row per track. `column` is the track's column in `read`."""
        import csv

        import pandas as pd

        kinds = dict.fromkeys(("track", "name", "description", "file", "column", "computed"), "str")
        return pd.read_csv(
            self._folder.tracks,
            sep="\t",
            quoting=csv.QUOTE_NONE,
            dtype={**kinds, "index": "Int64"},
            keep_default_na=False,
            na_values={"index": [""]},
        )

    def read(
        self,
        contig: str,
        start: int | None = None,
        end: int | None = None,
        tracks: Sequence[Wanted] | Wanted | None = None,
        *,
        where: str | None = None,
    ) -> "pd.DataFrame":
        """Read the bins that overlap a stretch of a contig.

        Parameters
        ----------
        contig : str
        start, end : int, optional
            Bp, 0-based, half-open. Default is the whole contig.
        tracks : sequence of str or int, optional
            Names (of the model, of files or of columns), glob patterns of these, or rows of
            `tracks`. Default is None: all tracks.
        where : str, optional
            A filter over the columns of `tracks` that the tracks must match, such as
            `assay == "ATAC" and tissue ~ "heart"`. Default is None.

        Returns
        -------
        pandas.DataFrame
            One row per bin: `chrom`, `start`, `end` (bp, 0-based, half-open; the last bin ends with
            its contig), and a float32 column per track, in the order of `tracks`. Bins without a
            value have no row. `attrs` states `run`, `genome`, `model`, `licence`, `citation`,
            `coordinates`, `bin` and `span` (bp), `tracks` (the columns) and `scale` (column -> what
            its values are).

        Raises
        ------
        UserError
            If there is no such contig or track, the stretch is not inside of the contig, or a file
            is damaged.
        """
        import pandas as pd

        region = make_region(contig, start, end, lengths=self.contigs)
        wanted = [tracks] if isinstance(tracks, str | int) else tracks
        chosen = choose_tracks(self.listed, wanted, where=where)
        columns = [track.column for track in chosen]
        blocks = list(self.reader(chosen)(region))
        bins = np.concatenate([np.empty(0, np.int64), *(block.bins for block in blocks)])
        empty = np.empty((len(chosen), 0), np.float32)
        values = np.concatenate([empty, *(block.values for block in blocks)], axis=1)
        frame = pd.DataFrame(values.T, columns=columns, copy=False)
        starts, ends = self.place(bins, contig)
        frame.insert(0, "chrom", [contig] * len(bins))
        frame.insert(1, "start", starts)
        frame.insert(2, "end", ends)
        frame.attrs.update(self.describe(chosen))
        return frame

    def reader(self, tracks: Sequence[Track]) -> Callable[[Region], Iterator[Bins]]:
        """Make a function that yields the bins that overlap a region, in blocks."""
        reader = Reader(self.source, tracks)

        def read(region: Region) -> Iterator[Bins]:
            return reader.read(region.contig, *find_bins(region.start, region.end, self.grid))

        return read

    def place(self, bins: Places, contig: str) -> tuple[Places, Places]:
        """Starts and ends of bins, in bp: the last bin of a contig ends with it."""
        starts = bins * self.grid.bin
        return starts, np.minimum(starts + self.grid.span, self.contigs[contig])

    def describe(self, tracks: Sequence[Track]) -> dict[str, Any]:
        """What values of tracks are: the `attrs` of `read`."""
        model = self._about.model
        return {
            "run": self.name,
            "genome": self._about.genome.name,
            "model": model.digest,
            "licence": model.licence,
            "citation": model.citation,
            "coordinates": COORDINATES,
            "bin": self.grid.bin,
            "span": self.grid.span,
            "tracks": [track.column for track in tracks],
            "scale": {track.column: track.scale for track in tracks},
        }
