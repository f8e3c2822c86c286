"""How a run's tracks are computed from a model's outputs, as stored in the plan.

The contributions to a value are all combinations of strands, shifts and folds; the average is their
unweighted mean. Needs no torch.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from genometracks.config.settings import RecipeSettings
from genometracks.errors import UserError
from genometracks.inputs.model import Metadata
from genometracks.tracks.formulas import Formula, Output, list_deviations, list_outputs
from genometracks.tracks.table import RunTrack

STRANDS = (("+", "-"), ("plus", "minus"), ("fwd", "rev"), ("forward", "reverse"), ("pos", "neg"))
"""Endings of track names that distinguish the strands."""

SQUASH = ("scale", "clip_soft", "sum_stat")
"""Columns of the published tables of targets that define how a track was squashed."""


@dataclass(frozen=True)
class Squash:
    """How to undo the squashing of the channels' values.

    Attributes
    ----------
    recipe : str
        Formula, `untransform_old` or `untransform`: see `predict.untransform`.
    when : str
        `before` or `after` the average.
    scale, clip_soft : list of float
        One per channel.
    sqrt : list of bool
        Whether the statistic is a square root, per channel.
    """

    recipe: Literal["untransform_old", "untransform"]
    when: Literal["before", "after"]
    scale: list[float]
    clip_soft: list[float]
    sqrt: list[bool]


@dataclass(frozen=True)
class Recipe:
    """From a model's logits to a run's tracks.

    Attributes
    ----------
    channels : list of int
        Channels of the model that are computed, ascending.
    partners : list of int or None
        For each channel, the position in `channels` of its partner on the other strand; None if
        strands are not averaged.
    shifts : tuple of int
        Base pairs by which windows are shifted.
    order : str
        What is averaged: the values after the activation (`activation`), or the `logits` before it.
    outputs : tuple of Formula
        One per track, over positions in `channels`.
    sd : bool
        Whether the tracks are followed by their standard deviations between folds.
    scale : Squash or None
        How squashing is undone; None if it is not.
    """

    channels: list[int]
    partners: list[int] | None
    shifts: tuple[int, ...]
    order: Literal["activation", "logits"]
    outputs: tuple[Formula, ...]
    sd: bool
    scale: Squash | None


def make_recipe(
    tracks: Sequence[Metadata],
    settings: RecipeSettings,
    *,
    partners: list[int] | None,
    activation: str | None,
    folds: int,
    refusal: str | None = None,
    scale: str | None = None,
) -> tuple[list[RunTrack], Recipe]:
    """Choose the tracks that a run writes, and how they are computed.

    Parameters
    ----------
    tracks : sequence of dict
        The model's tracks, in order.
    settings : RecipeSettings
    partners : list of int or None
        For each of the model's tracks, the channel of the other strand; None if the model states
        no partners.
    activation : str or None
        Activation of the model; None for none.
    folds : int
        Number of models that are averaged.
    refusal : str, optional
        Why the model's strands cannot be averaged. Default is None: they can.
    scale : str, optional
        Scale of the model's output in words. Default is None: not known.

    Raises
    ------
    UserError
        If a setting does not fit the model.
    """
    if settings.sd and folds < 2:
        raise UserError(
            "output.sd: a standard deviation needs at least two folds, and there is one: set "
            "model.weights to a list, or remove output.sd"
        )
    if settings.reverse_complement and refusal:
        raise UserError(f"prediction.reverse_complement: {refusal}: set it to false")
    outputs = list_outputs(tracks, settings)
    if settings.reverse_complement:
        swapped = _check_partners(tracks, settings, partners)
    else:
        swapped = None
    channels = _find_channels(outputs, len(tracks), partners=swapped, activation=activation)
    positions = {channel: position for position, channel in enumerate(channels)}
    recipe = Recipe(
        channels=channels,
        partners=swapped and [positions[swapped[i]] for i in channels],
        shifts=settings.shifts,
        order=settings.average,
        outputs=tuple(_renumber(output.formula, positions) for output in outputs),
        sd=settings.sd,
        scale=_find_scale(tracks, channels, settings),
    )
    written = [output.track for output in outputs]
    described = _describe(written, recipe, tracks, activation=activation, folds=folds, scale=scale)
    return described, recipe


def _find_channels(
    outputs: list[Output], tracks: int, *, partners: list[int] | None, activation: str | None
) -> list[int]:
    """Channels of the model that the outputs need, ascending."""
    if activation == "softmax":  # a track's value depends on all channels
        return list(range(tracks))
    needed = {i for output in outputs for i in (*output.formula.members, *output.formula.control)}
    if partners:
        needed |= {partners[i] for i in needed}
    return sorted(needed)


def _renumber(formula: Formula, positions: dict[int, int]) -> Formula:
    """Replace channels of the model by their positions in the recipe."""
    members = tuple(positions[i] for i in formula.members)
    return replace(formula, members=members, control=tuple(positions[i] for i in formula.control))


def _check_partners(
    tracks: Sequence[Metadata], settings: RecipeSettings, partners: list[int] | None
) -> list[int]:
    """For each channel, the channel from which the value of the other strand is taken."""
    own = list(range(len(tracks)))
    if settings.strands == "unpaired":
        return own
    # Tracks with a stated partner (which may be the track itself) need no check.
    loose = [track for track in tracks if not str(track.get("strand_pair", "")).strip()]
    pair = find_stranded([track["name"] for track in loose])
    signs = {str(track.get("strand", "")).strip() for track in loose}
    if pair or {"+", "-"} <= signs:
        seen = f"{pair[0]} and {pair[1]} look like" if pair else "the column strand names"
        raise UserError(
            f"prediction.reverse_complement: {seen} two strands, and the model does not state "
            "which tracks are partners: give its tracks a column strand_pair with the partner's "
            "index (model.tracks), or set prediction.strands: unpaired"
        )
    return partners or own


def find_stranded(names: Sequence[str]) -> tuple[str, str] | None:
    """Find the first two names that differ only in an ending that distinguishes strands, or None.

    Examples
    --------
    >>> find_stranded(["CAGE liver+", "ATAC", "CAGE liver-"])
    ('CAGE liver+', 'CAGE liver-')
    """
    known = {name.lower(): name for name in names}
    for name in names:
        for plus, minus in STRANDS:
            other = known.get(name.lower().removesuffix(plus) + minus)
            if name.lower().endswith(plus) and other:
                return name, other
    return None


def _find_scale(
    tracks: Sequence[Metadata], channels: list[int], settings: RecipeSettings
) -> Squash | None:
    """How to undo the squashing of each channel."""
    if settings.scale == "model":
        return None
    if settings.untransform_when == "before" and settings.average == "logits":
        raise UserError(
            "output.untransform_when: before: with prediction.average: logits there are no values "
            "before the average: change one of them"
        )
    found = [_read_squash(tracks[i]) for i in channels]
    return Squash(
        recipe=settings.untransform,
        when=settings.untransform_when,
        scale=[scale for scale, _, _ in found],
        clip_soft=[clip for _, clip, _ in found],
        sqrt=[sqrt for _, _, sqrt in found],
    )


def _read_squash(track: Metadata) -> tuple[float, float, bool]:
    """A track's `scale` and `clip_soft`, and whether its statistic is a square root."""
    name, where = track["name"], "output.scale: counts: track"
    for column in SQUASH:
        if not str(track.get(column, "")).strip():
            raise UserError(
                f"{where} {name!r} has no {column!r}: "
                f"model.tracks must name a table with {', '.join(SQUASH)} (Borzoi's targets)"
            )
    try:
        scale, clip = float(track["scale"]), float(track["clip_soft"])
    except ValueError as error:
        raise UserError(f"{where} {name!r}: not a number: {error}") from error
    if not 0 < scale < math.inf or math.isnan(clip):
        raise UserError(
            f"{where} {name!r}: its scale is {scale:g} and its clip_soft {clip:g}: the first "
            "must be greater than 0, and both must be numbers: correct the table (model.tracks)"
        )
    return scale, clip, "_sqrt" in str(track["sum_stat"])


def _describe(
    written: list[RunTrack],
    recipe: Recipe,
    tracks: Sequence[Metadata],
    *,
    activation: str | None,
    folds: int,
    scale: str | None,
) -> list[RunTrack]:
    """Add to the tracks how they are computed, and append their standard deviations."""
    function = activation or ("output" if scale else "logits")
    scale = _name_scale(recipe.scale, tracks, scale)
    mean = describe_computation(recipe, function=function, folds=folds)
    described = [replace(track, computed=f"{mean}; {scale}") for track in written]
    if recipe.sd:
        each = describe_computation(recipe, function=function, folds=1)
        computed = f"SD of {folds} folds: {each}; {scale}"
        described += [replace(track, computed=computed) for track in list_deviations(written)]
    return described


def _name_scale(squash: Squash | None, tracks: Sequence[Metadata], stated: str | None) -> str:
    if squash:
        return f"counts by {squash.recipe}, {squash.when} the average"
    if stated:
        return stated
    return "squashed scale" if "clip_soft" in tracks[0] else "the model's scale"


def describe_computation(recipe: Recipe, *, function: str, folds: int) -> str:
    """Describe how values are computed, e.g. `exp, then the mean of 2 strands x 4 folds`."""
    parts = ["2 strands"] if recipe.partners else []
    if recipe.shifts != (0,):
        parts.append(f"shifts of {', '.join(map(str, recipe.shifts))} bp")
    if folds > 1:
        parts.append(f"{folds} folds")
    mean = f"the mean of {' x '.join(parts)}"
    if not parts:
        return function
    if recipe.order == "activation":
        return f"{function}, then {mean}"
    return f"{mean}, then {function}"
