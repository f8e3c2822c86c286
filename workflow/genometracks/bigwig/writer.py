"""The bigWig writer: fixed-step sections and exact zoom levels, in one pass, in flat memory.

Format: Kent et al. 2010, doi:10.1093/bioinformatics/btq351. Bins without a value are not written.
The bytes depend on the values alone, never on the pieces in which they came: sections, zoom
records and blocks are cut on fixed grids.
"""

import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from genometracks.bigwig.block_index import Leaves
from genometracks.bigwig.format import (
    FIXED_STEP,
    HEADER_SIZE,
    MAGIC,
    SECTION_HEADER,
    SUMMARY_SIZE,
    ZOOM_HEADER_SIZE,
    compress,
    pack_contig_tree,
    pack_header,
    pack_index,
)
from genometracks.bigwig.zooms import Cells, ZoomLevel
from genometracks.common.atomic import write_atomically
from genometracks.errors import UserError

ITEMS = 1 << 14
"""Bins in a section: 64 KiB before compression."""
CHUNK = 8 * ITEMS
"""Bins worked on at once: 512 KiB, so that what is made of them stays in a core's cache."""
ZOOM_FIRST, ZOOM_FACTOR, ZOOM_LEVELS = 64, 4, 10
"""Bins in a record of the finest zoom level, growth from level to level, most levels."""
MAX_LENGTH = 2**32 - 1


class BigWigWriter:
    """Write one bigWig; a context manager. The file appears whole when the block ends well.

    Parameters
    ----------
    path : str or Path
    contigs : mapping
        Name -> length in bp; the header lists them sorted by name.
    step : int
        Base pairs from bin to bin: bin k covers [k * step, min(k * step + span, length)).
    span : int, optional
        Base pairs that a bin covers, at most `step`, which is the default.

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
        self._ids = {name: i for i, name in enumerate(self.contigs)}
        longest = max(self.contigs.values(), default=1)
        self._reductions = [ZOOM_FIRST * step]
        while len(self._reductions) < ZOOM_LEVELS and self._reductions[-1] * ZOOM_FACTOR < longest:
            self._reductions.append(self._reductions[-1] * ZOOM_FACTOR)
        self._summary = [0, np.inf, -np.inf, 0.0, 0.0]
        self._contig: str | None = None
        self._next = 0
        self._buffer = np.empty(CHUNK, np.float32)
        self._held = 0

    def __enter__(self) -> "BigWigWriter":
        with ExitStack() as stack:
            self._file = stack.enter_context(write_atomically(self.path))
            folder = self.path.parent
            self._zooms = ZoomLevel(self._reductions, folder=folder)
            stack.callback(self._zooms.close)
            self._sections = Leaves(folder)
            stack.callback(self._sections.close)
            self._tree = HEADER_SIZE + ZOOM_HEADER_SIZE * len(self._reductions) + SUMMARY_SIZE
            self._file.write(bytes(self._tree))
            self._file.write(pack_contig_tree(self.contigs, offset=self._tree))
            self._data = self._file.tell()
            self._file.write(bytes(8))  # the number of sections, known at the end
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind, error, trace) -> None:
        if error is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            self._finish()

    def write(self, contig: str, first_bin: int, values: np.ndarray) -> None:
        """Add values of consecutive bins.

        Parameters
        ----------
        contig : str
            Contigs come in the order of their names.
        first_bin : int
            Bins ascend; those left out are absent.
        values : float16 or float32 array (n,)

        Raises
        ------
        UserError
            If the contig is unknown, bins come out of order or lie past the contig's end, or a
            value is not finite.
        """
        if not len(values):
            return
        self._check(contig, first_bin, first_bin + len(values))
        if contig != self._contig or first_bin != self._next:
            self._flush()
        if contig != self._contig:
            self._end_contig()
            self._contig = contig
        self._next = first_bin
        while len(values):
            # A chunk ends where the grid says, wherever its values began.
            room = CHUNK - self._next % CHUNK
            taken, values = values[:room], values[room:]
            held = self._buffer[self._held : self._held + len(taken)]
            held[:] = taken  # from float16, too, without a copy in between
            self._check_finite(held)
            self._held += len(taken)
            self._next += len(taken)
            if self._next % CHUNK == 0:
                self._flush()

    def _check(self, contig: str, first_bin: int, end: int) -> None:
        if contig not in self._ids:
            raise UserError(f"{self.path}: no contig {contig} in the header")
        length = self.contigs[contig]
        locus = f"{contig}:{first_bin * self.step}-{end * self.step}"
        if self._contig is not None and (self._ids[contig], first_bin) < (
            self._ids[self._contig],
            self._next,
        ):
            raise UserError(f"{self.path}: bins out of order at {locus}")
        if first_bin < 0 or (end - 1) * self.step >= length:
            raise UserError(f"{self.path}: bins past the end of the contig ({length}) at {locus}")

    def _check_finite(self, values: np.ndarray) -> None:
        finite = np.isfinite(values)
        if not finite.all():
            bad = int(np.argmin(finite))
            start, length = (self._next + bad) * self.step, self.contigs[self._contig]
            locus = f"{self._contig}:{start}-{min(start + self.span, length)}"
            raise UserError(f"{self.path}: {values[bad]} at {locus}: not a number")

    def _flush(self) -> None:
        """Write the bins held: one run of bins of one contig, inside one chunk of the grid."""
        if not self._held:
            return
        values, first = self._buffer[: self._held], self._next - self._held
        length = self.contigs[self._contig]
        self._held = 0
        # Bases that the last bin lacks, if any.
        last = (self._next - 1) * self.step + self.span - length
        whole = len(values) - 1 if last > 0 else len(values)
        self._write_sections(first, values[:whole])
        if last > 0:
            self._write_section(self._next - 1, values[-1:], span=self.span - last)
        cells = _sum_cells(values, first, span=self.span, lacking=max(last, 0))
        self._add_summary(cells)
        self._zooms.add(cells, contig=self._ids[self._contig], length=length)

    def _write_sections(self, first: int, values: np.ndarray) -> None:
        """Write bins of full span, cut on the grid of sections."""
        while len(values):
            room = ITEMS - first % ITEMS
            self._write_section(first, values[:room], span=self.span)
            first, values = first + room, values[room:]

    def _write_section(self, first: int, values: np.ndarray, *, span: int) -> None:
        contig, start = self._ids[self._contig], first * self.step
        end = start + (len(values) - 1) * self.step + span
        head = SECTION_HEADER.pack(contig, start, end, self.step, span, FIXED_STEP, 0, len(values))
        data = compress(head + values.astype("<f4", copy=False).tobytes())
        self._sections.add(contig, start, end, offset=self._file.tell(), size=len(data))
        self._file.write(data)

    def _add_summary(self, cells: Cells) -> None:
        summary = self._summary
        summary[0] += int(cells.valid.sum())
        summary[1] = min(summary[1], float(cells.min.min()))
        summary[2] = max(summary[2], float(cells.max.max()))
        summary[3] += float(cells.sum.sum())
        summary[4] += float(cells.squares.sum())

    def _end_contig(self) -> None:
        if self._contig is not None:
            length = self.contigs[self._contig]
            self._zooms.end_contig(contig=self._ids[self._contig], length=length)

    def _finish(self) -> None:
        self._flush()
        self._end_contig()
        file = self._file
        index = file.tell()
        sections = self._sections.read()
        file.write(pack_index(sections, offset=index, data_end=index))
        zooms = []
        for level in self._zooms.levels():
            at = file.tell()
            file.write(level.count.to_bytes(4, "little"))
            level.spool.seek(0)
            shutil.copyfileobj(level.spool, file, 1 << 20)
            end = file.tell()
            file.write(pack_index(level.items(at + 4), offset=end, data_end=end))
            zooms.append((level.reduction, at, end))
        file.write(MAGIC.to_bytes(4, "little"))
        file.seek(self._data)
        file.write(len(sections).to_bytes(8, "little"))
        file.seek(0)
        summary = self._summary if self._summary[0] else [0, 0.0, 0.0, 0.0, 0.0]
        file.write(
            pack_header(
                zooms=zooms,
                contig_tree=self._tree,
                data=self._data,
                index=index,
                block_size=SECTION_HEADER.size + 4 * ITEMS,
                summary=tuple(summary),
            )
        )


def _sum_cells(values: np.ndarray, first: int, *, span: int, lacking: int) -> Cells:
    """Sum a run of bins up to the cells of the finest zoom level.

    Parameters
    ----------
    values : float32 array (n,)
        Of bins first, first + 1, ...
    span : int
        Base pairs that a bin covers.
    lacking : int
        Base pairs by which the last bin is shorter than `span`.
    """
    lead = -first % ZOOM_FIRST
    starts = np.arange(lead, len(values), ZOOM_FIRST)
    if lead:
        starts = np.concatenate([[0], starts])
    wide = values.astype(np.float64)
    total = np.add.reduceat(wide, starts)
    np.multiply(wide, wide, out=wide)
    cells = Cells(
        (first + starts) // ZOOM_FIRST,
        np.diff(starts, append=len(values)) * span,
        np.minimum.reduceat(values, starts),
        np.maximum.reduceat(values, starts),
        total * span,
        np.add.reduceat(wide, starts) * span,
    )
    if lacking:
        last = float(values[-1])
        cells.valid[-1] -= lacking
        cells.sum[-1] -= lacking * last
        cells.squares[-1] -= lacking * last**2
    return cells
