"""The tracks that a run writes, and the formula of each over the model's channels.

A run's track is a track of the model, the mean or sum of a group of them, or a comparison of two
groups. With several folds, each may be followed by its standard deviation. Needs no torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from genometracks.common.records import optional
from genometracks.config.sections import Aggregate, Pair
from genometracks.config.settings import RecipeSettings
from genometracks.errors import UserError
from genometracks.inputs.model import Metadata
from genometracks.tracks.selection import select_tracks
from genometracks.tracks.table import RunTrack, describe_channel, name_tracks, safe_names

SIGNS = {"difference": "minus", "ratio": "divided by", "log2_ratio": "divided by"}


@dataclass(frozen=True)
class Formula:
    """How a track's values are computed from those of channels.

    Attributes
    ----------
    of : str
        `mean` or `sum` of the members; or `difference`, `ratio` or `log2_ratio` of the mean of
        the members to the mean of the control.
    members : tuple of int
        Channels; for a pair, those of the treatment.
    control : tuple of int
        Channels of a pair's control. Default is ().
    pseudocount : float, optional
        Added to both means of a ratio. Default is None.
    """

    of: Literal["mean", "sum", "difference", "ratio", "log2_ratio"]
    members: tuple[int, ...]
    control: tuple[int, ...] = optional(())
    pseudocount: int | float | None = optional()


@dataclass(frozen=True)
class Output:
    """A track that a run writes, and its formula over the model's channels."""

    track: RunTrack
    formula: Formula


def list_outputs(tracks: Sequence[Metadata], settings: RecipeSettings) -> list[Output]:
    """List a run's tracks in order: the selected tracks or groups of them, then pairs.

    Standard deviations are not included; see `list_deviations`.

    Parameters
    ----------
    tracks : sequence of dict
        The model's tracks, in order.
    settings : RecipeSettings
        Only `tracks`, `aggregate` and `pairs` are used.

    Raises
    ------
    UserError
        If a choice matches no track, or names a column that does not exist.
    """
    chosen = select_tracks(tracks, settings.tracks)
    if settings.aggregate:
        outputs = _group(tracks, chosen, settings.aggregate)
    else:
        outputs = [Output(describe_channel(tracks, i), Formula("mean", (i,))) for i in chosen]
    outputs += [_pair(tracks, pair, i) for i, pair in enumerate(settings.pairs)]
    if not outputs:
        raise UserError(
            "output.tracks: is empty, and there are no output.pairs: choose some tracks"
        )
    named = name_tracks([output.track for output in outputs])
    return [replace(output, track=track) for output, track in zip(outputs, named, strict=True)]


def list_deviations(tracks: Sequence[RunTrack]) -> list[RunTrack]:
    """List the standard deviations between folds, one per track."""
    stems = [track.track for track in tracks]
    names = safe_names([*stems, *(f"{stem}.sd" for stem in stems)])[len(stems) :]
    return [
        replace(
            track,
            track=name,
            name=f"{track.name}.sd",
            index=None,
            description=f"standard deviation, between folds, of {track.name}",
        )
        for track, name in zip(tracks, names, strict=True)
    ]


def _group(tracks: Sequence[Metadata], chosen: list[int], aggregate: Aggregate) -> list[Output]:
    """Group tracks by equal values of a column, in the order of their first tracks."""
    by, of = aggregate.by, aggregate.of
    columns = list(dict.fromkeys(column for track in tracks for column in track))
    if by not in columns:
        raise UserError(f"output.aggregate: no column {by!r}: columns are {', '.join(columns)}")
    groups: dict[str, list[int]] = {}
    for i in chosen:
        groups.setdefault(str(tracks[i].get(by, "")).strip() or f"no {by}", []).append(i)
    return [
        Output(
            RunTrack("", value, None, f"{of} of {len(members)} tracks with {by}: {value}"),
            Formula(of, tuple(members)),
        )
        for value, members in groups.items()
    ]


def _pair(tracks: Sequence[Metadata], pair: Pair, number: int) -> Output:
    key = f"output.pairs[{number}]"
    treatment = select_tracks(tracks, pair.treatment, key=f"{key}.treatment")
    control = select_tracks(tracks, pair.control, key=f"{key}.control")
    sides = [f"mean of {len(side)} tracks" for side in (treatment, control)]
    description = f" {SIGNS[pair.of]} ".join(sides)
    if pair.of != "difference":
        description += f", each plus {pair.pseudocount:g}"
    if pair.of == "log2_ratio":
        description = f"log2 of {description}"
    formula = Formula(pair.of, tuple(treatment), tuple(control), pair.pseudocount)
    return Output(RunTrack("", pair.name, None, description), formula)
