"""The text of a first config: keys that people change most, with comments."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from genometracks.common.units import format_count
from genometracks.starter.facts import (
    choose_stride,
    describe_genome,
    describe_model,
    describe_patterns,
    judge_strands,
    list_columns,
    list_kinds,
)
from genometracks.starter.genome import Genome
from genometracks.starter.model import Model
from genometracks.starter.yaml_lines import (
    describe_key,
    find_default,
    write_comments,
    write_key,
    write_value,
)

HEAD = (
    "Written by genometracks init. Paths are relative to the folder in which the run is started. "
    "A key that is left out has its default.",
    "All keys: config/README.md of grelu-tracks.",
)

PLACES = {"genome.fasta": "path/to/genome.fa", "model.weights": "path/to/weights.ckpt"}
"""Key -> the path that stands for a file that was not given; a run names it as missing."""


@dataclass(frozen=True)
class Found:
    """What a config is written from; None stands for what was not given."""

    run: str
    genome: Genome | None = None
    address: str | None = None
    model: Model | None = None
    annotation: str | None = None


def name_run(stem: str) -> str:
    """A name of a run, from that of its config.

    Examples
    --------
    >>> name_run("my run (2)"), name_run("-")
    ('my_run_2', 'run')
    """
    return re.sub("[^A-Za-z0-9._-]+", "_", stem).strip("._-")[:200] or "run"


def write_config(found: Found) -> str:
    """Return the text of a config, as YAML with comments."""
    sections = (
        ["", *write_comments(HEAD), ""][1:],
        write_key("run", found.run),
        write_key("results", find_default("results")),
        ["", "genome:"],
        _write_genome(found),
        ["", "model:"],
        _write_model(found.model),
        ["", "prediction:"],
        _write_prediction(found.model),
        ["", "output:"],
        _write_output(found.model),
        [""],
        write_key("shards", find_default("shards")),
        [""],
        _write_evaluation(),
    )
    return "".join(f"{line}\n" for section in sections for line in section)


def _mark(facts: Iterable[str]) -> list[str]:
    """Mark what was found out, in contrast to what the keys mean."""
    return [f"Found: {fact}" for fact in facts]


def _write_default(key: str, *comments: str, active: bool = True) -> Iterator[str]:
    """Yield a key at its default."""
    return write_key(key, find_default(key), comments=comments, active=active)


def _write_genome(found: Found) -> Iterator[str]:
    genome = found.genome
    given = genome.path if genome else found.address
    yield from write_key(
        "genome.fasta",
        given or PLACES["genome.fasta"],
        comments=_mark(describe_genome(genome)) if genome else [],
    )
    yield from write_key(
        "genome.contigs",
        list(genome.patterns) if genome else ["*"],
        comments=_mark(describe_patterns(genome)) if genome else [],
    )
    yield from _write_default("genome.regions")
    yield from _write_default("genome.blacklist")
    annotation = found.annotation
    yield from write_key("genome.annotation", annotation, active=annotation is not None)


def _write_model(model: Model | None) -> Iterator[str]:
    sources = list(model.sources) if model else [PLACES["model.weights"]]
    yield from write_key(
        "model.weights",
        sources if len(sources) > 1 else sources[0],
        comments=_mark(describe_model(model)) if model else [],
    )
    if model and model.recognised:
        yield from write_comments([describe_key("model.architecture")], indent=2)
        yield from ("  architecture:", f"    model_type: {write_value(model.kind)}")
    elif model is None or model.kind is None:
        yield from write_comments(
            [
                describe_key("model.architecture"),
                f"model_type is one of {', '.join(list_kinds())}. A class of gReLU takes its "
                "constructor arguments beside it, such as n_tasks. Remove the marks of the three "
                "lines:",
            ],
            indent=2,
        )
        yield from ("  # architecture:", "  #   model_type: ConvModel", "  #   n_tasks: 1")
    window = model.window if model else None
    stated = _mark([f"the weights state {window:,} bp"]) if window else []
    if model and model.kind and not window:
        stated = _mark(["the weights do not state it: set it"])
    yield from _write_default("model.window", *stated)
    activation = model.activation if model else None
    yield from _write_default(
        "model.activation", *(_mark([f"the weights state {activation}"]) if activation else [])
    )
    if model and model.problem and "model.bin" in model.problem:
        yield from _write_default("model.bin", *_mark([model.problem]), active=False)
    yield from _write_default("model.tracks")


def _write_prediction(model: Model | None) -> Iterator[str]:
    if model and model.one_value and model.window:
        stride = choose_stride(model.window)
        yield from write_key(
            "prediction.stride",
            stride,
            comments=_mark(
                [
                    "this model needs it; the number of windows is the length of the genome "
                    "divided by it"
                ]
            ),
        )
    elif model is None or model.geometry is None:
        yield from _write_default("prediction.stride")
    if not (model and model.one_value):
        yield from _write_default("prediction.trim")
    yield from _write_default("prediction.batch_size")
    yield from _write_default("prediction.precision")
    yield from _write_default("prediction.device")
    yield from _write_default("prediction.threads")
    possible = []
    if model and model.tracks:
        possible = _mark([judge_strands(model)])
    yield from _write_default("prediction.reverse_complement", *possible)


def _write_output(model: Model | None) -> Iterator[str]:
    columns = list(list_columns(model)) if model else []
    listed = [f"columns for `where` and `aggregate`: {'; '.join(columns)}"] if columns else []
    if model and model.tracks:
        listed = [format_count(len(model.tracks), "track"), *listed]
    yield from _write_default("output.tracks", *_mark(listed))
    yield from _write_default("output.aggregate")
    if model and len(model.sources) > 1:
        yield from _write_default("output.sd")
    yield from _write_default("output.dtype")
    yield from _write_default("output.bigwig")
    yield from _write_default("output.parquet")


def _write_evaluation() -> Iterator[str]:
    yield from write_comments([f"{describe_key('evaluation.observed')} For example:"])
    yield from ("# evaluation:", "#   observed:", "#     - {track: NAME, bigwig: observed.bw}")
