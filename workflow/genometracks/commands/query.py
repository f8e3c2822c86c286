"""Values of a finished run in regions, as text or a file."""

import argparse
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from genometracks.commands.arguments import Commands, add_command
from genometracks.common.atomic import write_atomically
from genometracks.errors import UserError

if TYPE_CHECKING:
    from genometracks.reading.regions import Region
    from genometracks.reading.run import Run
    from genometracks.reading.table import Track

LOG = logging.getLogger(__name__)
FORMATS = ("tsv", "parquet", "bedgraph")


def add_commands(commands: Commands) -> None:
    """Add `query`."""
    parser = add_command(commands, "query", run_query)
    parser.add_argument("folder", type=Path, help="results/RUN, a finished run")
    what = "contig, or contig:start-end, 0-based and half-open as in BED; e.g. chr20:1,000-2,000"
    parser.add_argument("regions", nargs="*", metavar="REGION", help=what)
    parser.add_argument("--bed", type=Path, help="file of regions, with names in column 4")
    what = "names or patterns such as 'CAGE*'; default: all tracks"
    parser.add_argument("--tracks", nargs="+", metavar="TRACK", help=what)
    what = """filter over the columns of tracks.tsv, e.g. 'assay == "ATAC"'"""
    parser.add_argument("--where", metavar="FILTER", help=what)
    what = "one row per region instead of one per bin"
    choices = ("mean", "min", "max", "sum")
    parser.add_argument("--by-region", choices=choices, metavar="{mean,min,max,sum}", help=what)
    what = "tsv (the default), parquet or bedgraph"
    parser.add_argument("--out", choices=FORMATS, default="tsv", help=what)
    parser.add_argument("-o", dest="file", type=Path, help="file to write; default: stdout")


def run_query(args: argparse.Namespace) -> None:
    """Print the values of a finished run in regions, or write them to a file."""
    from genometracks.reading.run import Run
    from genometracks.reading.table import choose_tracks

    if args.out == "parquet" and not args.file:
        raise UserError("--out parquet: a table cannot be printed: name a file with -o FILE")
    if args.out == "bedgraph" and args.by_region:
        raise UserError("--by-region: not with --out bedgraph: choose tsv or parquet")
    run = Run(args.folder)
    tracks = choose_tracks(run.listed, args.tracks, where=args.where)
    regions = list(_list_regions(args, run))
    with _open(args.file) as file:
        _write(args, run, regions, tracks=tracks, file=file)


def _write(
    args: argparse.Namespace,
    run: "Run",
    regions: "list[Region]",
    *,
    tracks: "list[Track]",
    file: BinaryIO,
) -> None:
    from genometracks.reading.output import write_bedgraph, write_parquet, write_tsv
    from genometracks.reading.rows import list_bins, make_schema, summarise_regions

    if args.out == "bedgraph":
        write_bedgraph(run, regions, tracks, file)
        return
    schema = make_schema(tracks, named=bool(args.bed), by=args.by_region)
    rows = (
        summarise_regions(run, regions, tracks, by=args.by_region, schema=schema)
        if args.by_region
        else list_bins(run, regions, tracks, schema=schema)
    )
    write = write_tsv if args.out == "tsv" else write_parquet
    write(rows, schema, file)


def _list_regions(args: argparse.Namespace, run: "Run") -> "Iterator[Region]":
    """Yield the regions of the command line, then those of the BED file."""
    from genometracks.inputs.bed import name_some
    from genometracks.reading.regions import parse_region, read_regions

    if not (args.regions or args.bed):
        example = next(iter(run.contigs), "chr1")
        raise UserError(f"no region: give some, e.g. {example}:0-1000, or --bed FILE")
    for text in args.regions:
        yield parse_region(text, lengths=run.contigs)
    if not args.bed:
        return
    found = elsewhere = 0
    for region in read_regions(args.bed, lengths=run.contigs):
        if region is None:
            elsewhere += 1
        else:
            found += 1
            yield region
    if elsewhere and not found:
        raise UserError(
            f"{args.bed}: none of its contigs is in the run, which has {name_some(run.contigs)}: "
            "give a file of the same assembly"
        )
    if elsewhere:
        LOG.warning(
            f"{args.bed}: {elsewhere:,} of {elsewhere + found:,} intervals are on contigs that the "
            "run does not have: they are left out"
        )


@contextmanager
def _open(path: Path | None) -> Iterator[BinaryIO]:
    """The file to write, whole or not at all, or stdout; a reader that leaves ends it quietly."""
    if path:
        with write_atomically(path) as file:
            yield file
        return
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
