"""The bigWig writer: fixed-step sections and exact zoom levels, in one pass, in constant memory.

Format: Kent et al. 2010, doi:10.1093/bioinformatics/btq351. Bins without a value are not written.
The bytes depend on the values alone, never on the pieces in which they arrive: sections, zoom
records and blocks are cut on fixed grids.
"""

import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from genometracks.bigwig.format import (
    FIXED_STEP,
    HEADER_SIZE,
    MAGIC,
    SECTION_HEADER,
    SUMMARY_SIZE,
    ZOOM_HEADER_SIZE,
    Summary,
    compress,
    pack_contig_tree,
    pack_header,
    pack_index,
)
from genometracks.bigwig.index_entries import IndexEntries
from genometracks.bigwig.zooms import Cells, ZoomLevel, choose_reductions
from genometracks.common.sealing import Seal, write_sealed
from genometracks.errors import UserError

ITEMS = 1 << 14
"""Bins in a section: 64 KiB before compression."""
CHUNK = 8 * ITEMS
"""Bins processed at once: 512 KiB, so that the arrays made from them fit a core's cache."""
MAX_LENGTH = 2**32 - 1


class BigWigWriter:
    """Write one bigWig; a context manager. The file appears, complete, when the block ends well.

    Parameters
    ----------
    path : str or Path
    contigs : mapping
        Name -> length in bp; the header lists them sorted by name.
    step : int
        Base pairs from bin to bin: bin k covers [k * step, min(k * step + span, length)).
    span : int, optional
        Base pairs that a bin covers, at most `step`. Default is `step`.

    Raises
    ------
    UserError
        If a contig is longer than the format can hold, or the file cannot be written.
    """

    def __init__(
        self,
        path: str | Path,
        contigs: Mapping[str, int],
        *,
        step: int,
        span: int | None = None,
    ) -> None:
        self.path, self.step, self.span = Path(path), step, span or step
        self.contigs = dict(sorted(contigs.items()))
        for name, length in self.contigs.items():
            if not 0 < length <= MAX_LENGTH:
                raise UserError(f"{path}: a bigWig cannot hold contig {name} of {length} bp")
        self._names, self._lengths = list(self.contigs), list(self.contigs.values())
        self._ids = {name: i for i, name in enumerate(self._names)}
        self._reductions = choose_reductions(step, max(self._lengths, default=1))
        self._summary = Summary()
        self._contig = -1  # id of the contig being written; -1 before the first
        self._next = 0
        self._buffer = np.empty(CHUNK, np.float32)
        self._held = 0

    def __enter__(self) -> "BigWigWriter":
        with ExitStack() as stack:
            self._file = stack.enter_context(write_sealed(self.path))
            folder = self.path.parent
            self._zooms = ZoomLevel(self._reductions, folder=folder)
            stack.callback(self._zooms.close)
            self._sections = IndexEntries(folder)
            stack.callback(self._sections.close)
            self._tree = HEADER_SIZE + ZOOM_HEADER_SIZE * len(self._reductions) + SUMMARY_SIZE
            self._file.seek(self._tree)  # the header is known at the end
            self._file.write(pack_contig_tree(self.contigs, offset=self._tree))
            self._data = self._file.tell()
            self._file.seek(self._data + 8)  # the number of sections, too
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            self._finish()

    @property
    def seal(self) -> Seal:
        """Seal of the file; only after the block."""
        return self._file.sealed

    def write(
        self, contig: str, first_bin: int, values: npt.NDArray[np.float16] | npt.NDArray[np.float32]
    ) -> None:
        """Add values of consecutive bins.

        Parameters
        ----------
        contig : str
            Contigs must arrive in the order of their names.
        first_bin : int
            Bins must ascend; those left out are absent from the file.
        values : float16 or float32 array (n,)

        Raises
        ------
        UserError
            If the contig is unknown, bins are out of order or past the contig's end, or a value
            is not finite.
        """
        if not len(values):
            return
        number = self._check(contig, first_bin, first_bin + len(values))
        if number != self._contig or first_bin != self._next:
            self._flush()
        if number != self._contig:
            self._end_contig()
            self._contig = number
        self._next = first_bin
        while len(values):
            # A chunk ends on the grid, wherever its values began.
            room = CHUNK - self._next % CHUNK
            taken, values = values[:room], values[room:]
            held = self._buffer[self._held : self._held + len(taken)]
            held[:] = taken  # converts float16 without a copy in between
            self._check_finite(held)
            self._held += len(taken)
            self._next += len(taken)
            if self._next % CHUNK == 0:
                self._flush()

    def _check(self, contig: str, first_bin: int, end: int) -> int:
        """Check a run of bins; returns the contig's id."""
        if contig not in self._ids:
            raise UserError(f"{self.path}: no contig {contig} in the header")
        number, length = self._ids[contig], self.contigs[contig]
        locus = f"{contig}:{first_bin * self.step}-{end * self.step}"
        if (number, first_bin) < (self._contig, self._next):
            raise UserError(f"{self.path}: bins out of order at {locus}")
        if first_bin < 0 or (end - 1) * self.step >= length:
            raise UserError(f"{self.path}: bins past the end of the contig ({length}) at {locus}")
        return number

    def _check_finite(self, values: npt.NDArray[np.float32]) -> None:
        finite = np.isfinite(values)
        if not finite.all():
            bad = int(np.argmin(finite))
            start = (self._next + bad) * self.step
            end = min(start + self.span, self._lengths[self._contig])
            locus = f"{self._names[self._contig]}:{start}-{end}"
            raise UserError(f"{self.path}: {values[bad]} at {locus}: not a number")

    def _flush(self) -> None:
        """Write the bins held: one run of bins of one contig, inside one chunk of the grid."""
        if not self._held:
            return
        values, first = self._buffer[: self._held], self._next - self._held
        length = self._lengths[self._contig]
        self._held = 0
        # Base pairs that the last bin lacks, if any.
        last = (self._next - 1) * self.step + self.span - length
        whole = len(values) - 1 if last > 0 else len(values)
        self._write_sections(first, values[:whole])
        if last > 0:
            self._write_section(self._next - 1, values[-1:], span=self.span - last)
        cells = Cells.of_bins(values, first, span=self.span, lacking=max(last, 0))
        self._add_summary(cells)
        self._zooms.add(cells, contig=self._contig, length=length)

    def _write_sections(self, first: int, values: npt.NDArray[np.float32]) -> None:
        """Write bins of full span, cut on the grid of sections."""
        while len(values):
            room = ITEMS - first % ITEMS
            self._write_section(first, values[:room], span=self.span)
            first, values = first + room, values[room:]

    def _write_section(self, first: int, values: npt.NDArray[np.float32], *, span: int) -> None:
        contig, start = self._contig, first * self.step
        end = start + (len(values) - 1) * self.step + span
        head = SECTION_HEADER.pack(contig, start, end, self.step, span, FIXED_STEP, 0, len(values))
        data = compress(head + values.astype("<f4", copy=False).tobytes())
        self._sections.add(contig, start, end, offset=self._file.tell(), size=len(data))
        self._file.write(data)

    def _add_summary(self, cells: Cells) -> None:
        summary = self._summary
        summary.covered += int(cells.valid.sum())
        summary.min = min(summary.min, float(cells.min.min()))
        summary.max = max(summary.max, float(cells.max.max()))
        summary.sum += float(cells.sum.sum())
        summary.squares += float(cells.squares.sum())

    def _end_contig(self) -> None:
        if self._contig >= 0:
            self._zooms.end_contig(contig=self._contig, length=self._lengths[self._contig])

    def _finish(self) -> None:
        """Write everything that follows the sections, then the header."""
        self._flush()
        self._end_contig()
        file = self._file
        index = file.tell()
        sections = self._sections.read()
        file.write(pack_index(sections, offset=index, data_end=index))
        zooms = [self._write_zoom(level) for level in self._zooms.levels()]
        file.write(MAGIC.to_bytes(4, "little"))
        file.seek(self._data)
        file.write(len(sections).to_bytes(8, "little"))
        file.seek(0)
        file.write(
            pack_header(
                zooms=zooms,
                contig_tree=self._tree,
                data=self._data,
                index=index,
                block_size=SECTION_HEADER.size + 4 * ITEMS,
                summary=self._summary,
            )
        )

    def _write_zoom(self, level: ZoomLevel) -> tuple[int, int, int]:
        """Copy a zoom level into the file; returns its reduction, and offsets of data and index."""
        file = self._file
        at = file.tell()
        file.write(level.count.to_bytes(4, "little"))
        level.spool.seek(0)
        shutil.copyfileobj(level.spool, file, 1 << 20)
        end = file.tell()
        file.write(pack_index(level.items(at + 4), offset=end, data_end=end))
        return level.reduction, at, end
