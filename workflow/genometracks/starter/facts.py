"""What was found out about a genome and a model, as sentences for comments and for the terminal."""

from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points

from genometracks.common.units import format_count, format_si
from genometracks.inputs.genome import matches_pattern
from genometracks.starter.genome import Genome
from genometracks.starter.model import Model
from grelu_models.errors import make_line
from grelu_models.families import FAMILIES
from grelu_models.families.plugins import GROUP

SHOWN = 5
"""Names that a list shows."""

LONGEST = 40
"""Characters of a name that are shown."""

FORMS = {"plain": "plain FASTA", "gzip": "gzip", "bgzip": "bgzip"}


def list_names(names: Sequence[str]) -> str:
    """The first names of a list, as one printable line.

    Examples
    --------
    >>> list_names(["a", "b\\n"])
    'a, b\\\\n'
    """
    shown = [_shorten(name) for name in names[:SHOWN]]
    return ", ".join([*shown, "..."] if len(names) > SHOWN else shown)


def _shorten(text: str) -> str:
    line = make_line(text)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."


def describe_genome(genome: Genome) -> Iterator[str]:
    """Yield what is known about a FASTA."""
    source = f"by the index {_shorten(genome.index)}" if genome.index else "read whole"
    yield f"{FORMS[genome.form]}, {format_si(genome.bytes)}B, {source}"
    names = list_names([name for name, _ in genome.contigs])
    yield f"{format_count(len(genome.contigs), 'contig')}, {genome.bases:,} bp: {names}"


def describe_patterns(genome: Genome) -> Iterator[str]:
    """Yield what the suggested contigs leave out."""
    if genome.patterns != ("*",):
        kept = [length for name, length in genome.contigs if matches_pattern(name, genome.patterns)]
        share = sum(kept) / genome.bases
        yield (
            f"{', '.join(genome.patterns)}: {len(kept):,} of {len(genome.contigs):,} contigs, with "
            f'{share:.1%} of the bases; scaffolds are left out, ["*"] takes all'
        )


def describe_model(model: Model) -> Iterator[str]:
    """Yield what is known about a model."""
    if model.kind is None:
        yield "the weights do not describe themselves: fill in model.architecture"
        return
    how = "which the weights state"
    if model.recognised:
        how = "recognised by the names of its tensors: check it"
    elif model.beside:
        how = f"described by {_shorten(model.beside)} beside the weights"
    folds = f", {len(model.sources)} folds" if len(model.sources) > 1 else ""
    yield f"{_shorten(model.kind)}, {how}{folds}"
    yield describe_output(model)
    names = [str(track["name"]) for track in model.tracks]
    yield f"{format_count(len(names), 'track')}: {list_names(names)}"
    if model.statement.scale:
        yield f"scale: {model.statement.scale}"
    if model.statement.licence:
        yield f"licence of the weights: {model.statement.licence}"
    yield from (f"note: {note}" for note in model.notes)


def describe_output(model: Model) -> str:
    """The window, the bins and the activation, as far as they are known."""
    geometry = model.geometry
    if geometry is None:
        window = f"{model.window:,} bp in; " if model.window else ""
        how = "not measured yet" if model.problem else "the run measures them, the model is large"
        return f"{window}bins: {how}"
    out = "one value"
    if geometry.bin:
        out = f"{format_count(geometry.length, 'bin')} of {geometry.bin:,} bp"
    return f"{geometry.window:,} bp in, {out} out (measured)"


def judge_strands(model: Model) -> str:
    """Whether windows can be averaged with their reverse complements."""
    if model.refusal:
        return f"not possible: {model.refusal}"
    return "possible; the model then runs twice for each window"


def list_columns(model: Model) -> Iterator[str]:
    """Yield the columns of the tracks' metadata, with some of their values."""
    columns = dict.fromkeys(
        key for track in model.tracks for key in track if key not in ("name", "strand_pair")
    )
    for column in columns:
        values = [str(track[column]) for track in model.tracks if track.get(column) is not None]
        distinct = list(dict.fromkeys(value for value in values if value))
        if distinct:
            yield f"{_shorten(column)} ({len(distinct):,}: {list_names(distinct)})"


def list_kinds() -> list[str]:
    """Every `model_type`: ours, and those of installed packages."""
    return [*FAMILIES, *sorted({point.name for point in entry_points(group=GROUP)})]


def choose_stride(window: int) -> int:
    """A stride for a model of one value: the power of two next below an eighth of its window.

    Examples
    --------
    >>> choose_stride(2114), choose_stride(5)
    (256, 1)
    """
    return 1 << max(0, (window // 8).bit_length() - 1)
