"""Settings of each stage, as records: what of the resolved config its output follows from."""

from dataclasses import dataclass, fields
from typing import Any

from genometracks.common.records import from_plain, optional
from genometracks.config.sections import (
    Auto,
    AverageConfig,
    BrowserConfig,
    ComputedConfig,
    Config,
    Dtype,
    EvaluationConfig,
    ModelConfig,
    PassConfig,
)
from genometracks.errors import UserError


@dataclass(frozen=True)
class Fold:
    """A fold of a model: its weights as configured, their digest, and their local file."""

    weights: str
    sha256: str | None
    file: str


@dataclass(frozen=True)
class Source:
    """A genome's FASTA or its URL, and the digest that it must have.

    Attributes
    ----------
    fasta : str
        Without secrets.
    sha256 : str or None
        Default is None: any file is accepted.
    variable : str, optional
        Variable of the environment that holds the URL with its secrets. Default is None: it has
        none.
    """

    fasta: str
    sha256: str | None = None
    variable: str | None = optional()


@dataclass(frozen=True)
class ScanSettings:
    """Settings that determine a prepared genome; a change of any other repeats no scan."""

    fasta: str
    sha256: str | None = None
    name: str | None = None
    contigs: tuple[str, ...] = ("*",)


@dataclass(frozen=True)
class RecipeSettings(ComputedConfig, AverageConfig):
    """Settings that determine how a run's tracks are computed from a model's outputs."""


@dataclass(frozen=True, kw_only=True)
class ForwardSettings(RecipeSettings, PassConfig):
    """Settings of a forward pass, some of which may be left at `auto`; the input of a probe.

    Attributes
    ----------
    shards : "auto" or None
        "auto" if a window must be timed. Default is None.
    """

    window: int | Auto | None
    shards: Auto | None = optional()

    @property
    def open(self) -> bool:
        """Whether any setting is left at `auto`."""
        return "auto" in (self.batch_size, self.precision, self.window, self.shards)


@dataclass(frozen=True, kw_only=True)
class PlanSettings(RecipeSettings, PassConfig):
    """Settings that determine a plan; a change of any other does not repeat it."""

    dtype: Dtype
    regions: str | None
    blacklist: str | None
    shards: int | Auto


@dataclass(frozen=True)
class TrackSettings:
    """Settings that determine tracks.tsv."""

    bigwig: bool


@dataclass(frozen=True)
class BrowseSettings:
    """Settings that determine what is shown of a run: the keys of these names."""

    run: str
    annotation: str | None
    aliases: str | None
    ucsc: str | None
    regions: str | None
    blacklist: str | None
    evaluation: EvaluationConfig
    browser: BrowserConfig


def list_folds(model: ModelConfig) -> list[Fold]:
    """List a model's folds: weights as configured, and digests.

    Raises
    ------
    UserError
        If the numbers of weights and digests differ.
    """
    weights = (model.weights,) if isinstance(model.weights, str) else model.weights
    digests = model.sha256 if isinstance(model.sha256, tuple) else (model.sha256,)
    if digests == (None,):
        digests = (None,) * len(weights)
    if len(digests) != len(weights):
        raise UserError(
            f"model.sha256: {len(digests)} digests for {len(weights)} model.weights: give one each"
        )
    return [Fold(one, digest, one) for one, digest in zip(weights, digests, strict=True)]


OF_PREDICTION = tuple(
    key.name for section in (PassConfig, AverageConfig) for key in fields(section)
)
"""Keys of `prediction` that concern a forward pass."""

OF_OUTPUT = tuple(key.name for key in fields(ComputedConfig))
"""Keys of `output` that say what is computed."""


def select_forward(config: Config) -> dict[str, Any]:
    """Select the settings of a forward pass, as plain values.

    Their order is part of the jobs' command lines: Snakemake repeats jobs if it changes.
    """
    selected = {
        **{key: config.plain["prediction"][key] for key in OF_PREDICTION},
        **{key: config.plain["output"][key] for key in OF_OUTPUT},
        "window": config.plain["model"]["window"],
    }
    if config.shards == "auto":  # a window must be timed
        selected["shards"] = "auto"
    return selected


def select_plan(config: Config) -> dict[str, Any]:
    """Select the settings that determine the plan, like `select_forward`."""
    selected = select_forward(config)
    del selected["window"]  # part of the geometry of the model, or of the probe
    return {
        **selected,
        "dtype": config.plain["output"]["dtype"],
        **{key: config.plain["genome"][key] for key in ("regions", "blacklist")},
        "shards": config.plain["shards"],
    }


def choose_recipe_settings(config: Config) -> RecipeSettings:
    """Select the settings that determine how tracks are computed."""
    return from_plain(RecipeSettings, select_forward(config))


def choose_forward_settings(config: Config) -> ForwardSettings:
    """Select the settings of a forward pass."""
    return from_plain(ForwardSettings, select_forward(config))


def choose_plan_settings(config: Config) -> PlanSettings:
    """Select the settings that determine the plan."""
    return from_plain(PlanSettings, select_plan(config))


def choose_scan_settings(config: Config, fasta: str) -> ScanSettings:
    """Select the settings that determine the prepared genome; `fasta` is the local file."""
    genome = config.genome
    return ScanSettings(fasta, genome.sha256, genome.name, genome.contigs)


def choose_browse_settings(config: Config) -> BrowseSettings:
    """Select the settings that determine what is shown."""
    genome = config.genome
    return BrowseSettings(
        run=config.run,
        annotation=genome.annotation,
        aliases=genome.aliases,
        ucsc=genome.ucsc,
        regions=genome.regions,
        blacklist=genome.blacklist,
        evaluation=config.evaluation,
        browser=config.browser,
    )
