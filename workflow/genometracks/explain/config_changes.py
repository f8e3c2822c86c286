"""Keys of the config that differ from those that a run was made with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from genometracks.common.records import as_plain
from genometracks.common.secrets import mask_plain
from genometracks.config.schema import list_keys
from genometracks.config.sections import Config
from genometracks.config.settings import OF_OUTPUT, OF_PREDICTION, ScanSettings
from genometracks.config.values import shorten
from genometracks.plan.plan import Plan

ABSENT = object()
FORWARD = (*(f"prediction.{key}" for key in OF_PREDICTION), *(f"output.{key}" for key in OF_OUTPUT))
SCAN = tuple(f"genome.{key.name}" for key in fields(ScanSettings))
BROWSED = (
    *(f"genome.{key}" for key in ("annotation", "aliases", "ucsc", "regions", "blacklist")),
    "evaluation",
    "browser",
)
KEYS = {
    "download": ("genome.fasta", "genome.sha256"),
    "genome": SCAN,
    "weights": ("model.weights", "model.sha256"),
    "model": ("model",),
    "probe": (*FORWARD, "model.window", "prediction.device", "shards"),
    "plan": (*FORWARD, "output.dtype", "genome.regions", "genome.blacklist", "shards"),
    "predict": ("prediction.device",),
    "tracks": ("output.bigwig",),
    "observed": ("evaluation",),
    "reference": BROWSED,
    "browse": BROWSED,
    "evaluate": ("evaluation",),
    "summary": ("evaluation",),
}
"""Stage -> keys, or sections, that its jobs are given."""
ALL = ("manifest",)
"""Stages whose jobs are given the whole config."""


@dataclass(frozen=True)
class Change:
    """A key of the config, and its values before and now, as text."""

    key: str
    old: str
    new: str

    def concerns(self, stage: str) -> bool:
        """Whether jobs of a stage are given the key."""
        keys = KEYS.get(stage, ())
        begins = tuple(each for key in keys for each in (f"{key}.", f"{key}["))
        return stage in ALL or self.key in keys or self.key.startswith(begins)

    @property
    def text(self) -> str:
        """The change in one line."""
        return f"{self.key}: {self.old} -> {self.new}"


def compare_configs(old: Mapping[str, Any], config: Config) -> list[Change]:
    """Compare the resolved config of a finished run (its manifest) with the one of now."""
    known = {key: schema.get("default", ABSENT) for key, schema in list_keys()}
    before, now = (dict(_flatten(plain)) for plain in (old, mask_plain(config.plain)))
    found = []
    for key in [*now, *(key for key in before if key not in now)]:
        default = known.get(key, ABSENT)
        values = before.get(key, default), now.get(key, default)
        if values[0] != values[1]:
            found.append(Change(key, *map(_show, values)))
    return found


def compare_with_plan(plan: Plan, config: Config) -> list[Change]:
    """Compare the settings that a plan states with those of the config, where both are known.

    For a run that was never finished, so that no manifest has its config.
    """
    regions, blacklist = plan.genome.regions, plan.genome.blacklist
    stated = {
        "model.weights": [fold.source for fold in plan.model.folds],
        "prediction.batch_size": plan.settings.batch_size,
        "prediction.precision": plan.settings.precision,
        "prediction.compile": plan.settings.compile,
        "prediction.trim": plan.geometry.trim,
        "prediction.blend": plan.geometry.blend,
        "prediction.shifts": list(plan.recipe.shifts),
        "prediction.average": plan.recipe.order,
        "prediction.reverse_complement": plan.recipe.partners is not None,
        "output.dtype": plan.settings.dtype,
        "output.sd": plan.recipe.sd,
        "genome.regions": regions.bed if regions else None,
        "genome.blacklist": blacklist.bed if blacklist else None,
    }
    now = dict(_flatten(mask_plain(config.plain)))
    weights = now.get("model.weights")
    now["model.weights"] = [weights] if isinstance(weights, str) else weights
    return [
        Change(key, _show(value), _show(now[key]))
        for key, value in stated.items()
        if now.get(key, "auto") not in ("auto", as_plain(value))
    ]


def _flatten(plain: object, key: str = "") -> Iterator[tuple[str, object]]:
    """Yield (dotted key, value) of a config, down to plain values and lists of them."""
    if isinstance(plain, Mapping) and (not key or key in SECTIONS or key.endswith("]")):
        for name, value in plain.items():
            yield from _flatten(value, f"{key}.{name}" if key else name)
    elif isinstance(plain, list) and any(isinstance(each, Mapping) for each in plain):
        for i, value in enumerate(plain):
            yield from _flatten(value, f"{key}[{i}]")
    else:
        yield key, plain


SECTIONS = ("genome", "model", "prediction", "output", "evaluation", "browser")


def _show(value: object) -> str:
    return "not set" if value is ABSENT or value is None else shorten(value)
