"""The resolved config as records, one a section.

Fields have the names of the schema's keys and are documented there (`config/README.md`). Records
are made from a checked config, so their values are within the schema's bounds.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from genometracks.common.records import from_plain

Auto = Literal["auto"]
Precision = Literal["fp32", "tf32", "bf16", "fp16"]
Dtype = Literal["float32", "float16"]


@dataclass(frozen=True)
class Where:
    """A choice of tracks by a filter over the columns of their metadata."""

    where: str


Choice = str | int | Where
"""Tracks by name or glob pattern, by index, or by a filter."""


@dataclass(frozen=True)
class Aggregate:
    """Groups of the kept tracks: `by` a column, `of` their mean or sum."""

    by: str
    of: Literal["mean", "sum"] = "mean"


@dataclass(frozen=True)
class Pair:
    """An additional track that compares two groups of the model's tracks."""

    name: str
    treatment: tuple[Choice, ...]
    control: tuple[Choice, ...]
    of: Literal["difference", "ratio", "log2_ratio"] = "difference"
    pseudocount: int | float = 0.0


@dataclass(frozen=True)
class GenomeConfig:
    """Section `genome`."""

    fasta: str
    sha256: str | None = None
    name: str | None = None
    contigs: tuple[str, ...] = ("*",)
    regions: str | None = None
    blacklist: str | None = None
    annotation: str | None = None
    aliases: str | None = None
    ucsc: str | None = None


@dataclass(frozen=True)
class ModelConfig:
    """Section `model`."""

    weights: str | tuple[str, ...]
    sha256: str | tuple[str | None, ...] | None = None
    tracks: str | None = None
    architecture: dict[str, Any] | None = None
    window: int | Auto | None = None
    activation: str | None = None
    bin: int | None = None
    output: str | int | None = None
    layout: Literal["NCL", "NLC"] | None = None
    python: str | None = None
    python_path: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """Options of the model's family that have keys of their own."""
        given = {"output": self.output, "layout": self.layout}
        return {key: value for key, value in given.items() if value is not None}


@dataclass(frozen=True)
class PassConfig:
    """Keys of `prediction` that shape a forward pass and what a window owns of it."""

    batch_size: int | Auto = "auto"
    precision: Auto | Precision = "auto"
    compile: bool = False
    stride: int | None = None
    trim: int = 0
    blend: int = 0
    edges: Literal["pad", "slide"] = "pad"


@dataclass(frozen=True)
class AverageConfig:
    """Keys of `prediction` that say what is averaged."""

    reverse_complement: bool = False
    strands: Literal["paired", "unpaired"] = "paired"
    shifts: tuple[int, ...] = (0,)
    average: Literal["activation", "logits"] = "activation"


@dataclass(frozen=True)
class PredictionConfig(AverageConfig, PassConfig):
    """Section `prediction`."""

    device: str = "auto"
    threads: int = 1


@dataclass(frozen=True)
class ComputedConfig:
    """Keys of `output` that say what is computed."""

    tracks: tuple[Choice, ...] = ("*",)
    aggregate: Aggregate | None = None
    pairs: tuple[Pair, ...] = ()
    sd: bool = False
    scale: Literal["model", "counts"] = "model"
    untransform: Literal["untransform_old", "untransform"] = "untransform_old"
    untransform_when: Literal["after", "before"] = "after"


@dataclass(frozen=True)
class OutputConfig(ComputedConfig):
    """Section `output`."""

    dtype: Dtype = "float32"
    bigwig: bool = True
    parquet: bool = True
    threads: int = 1


@dataclass(frozen=True)
class Transform:
    """From the observed scale to the model's: divide, add, then take the natural logarithm."""

    divide: int | float = 1.0
    pseudocount: int | float = 0.0
    log: bool = False


@dataclass(frozen=True)
class Observed:
    """An observed bigWig, and the track it is compared with."""

    track: str
    bigwig: str
    name: str | None = None
    aliases: dict[str, str] = field(default_factory=dict)
    transform: Transform = Transform()


Place = Literal["start", "end", "5'", "3'", "centre", "all", "acceptor", "donor"]
"""Which base of a feature is a site."""


@dataclass(frozen=True)
class Within:
    """Regions to which an evaluation is restricted."""

    file: str
    feature: str | None = None


@dataclass(frozen=True)
class Sites:
    """A file of sites, and the track that is to be high on them."""

    track: str
    file: str
    feature: str | None = None
    at: Place | None = None
    strand: Literal["+", "-"] | None = None
    within: Within | None = None
    shift: int = 1
    name: str | None = None
    aliases: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HeldOut:
    """An interval that the model was not trained on, 0-based, half-open."""

    contig: str
    start: int
    end: int


@dataclass(frozen=True)
class EvaluationConfig:
    """Section `evaluation`."""

    observed: tuple[Observed, ...] = ()
    sites: tuple[Sites, ...] = ()
    held_out: tuple[HeldOut, ...] = ()
    locus_width: int = 50_000

    @property
    def site_files(self) -> tuple[str, ...]:
        """Files of sites and of the regions around them, each once."""
        named = [[each.file, each.within.file if each.within else None] for each in self.sites]
        return tuple(dict.fromkeys(file for files in named for file in files if file))


@dataclass(frozen=True)
class BrowserConfig:
    """Section `browser`."""

    write: bool = True
    group_by: tuple[str, ...] = ()
    locus: str | None = None
    email: str | None = None


@dataclass(frozen=True)
class Config:
    """A resolved config.

    Attributes
    ----------
    plain : dict
        The same config as plain values, for the manifest: every key, in the order given.
    """

    run: str
    results: str
    runs: str | None
    genome: GenomeConfig
    model: ModelConfig
    prediction: PredictionConfig
    output: OutputConfig
    shards: int | Auto
    evaluation: EvaluationConfig
    plain: dict[str, Any]
    browser: BrowserConfig = BrowserConfig()

    @property
    def browsed(self) -> bool:
        """Whether page, hub and session files are written."""
        return self.browser.write and self.output.bigwig

    @classmethod
    def of(cls, plain: dict[str, Any]) -> "Config":
        """Make the record of a config that `resolve_config` returned."""
        return from_plain(cls, {**plain, "plain": plain})
