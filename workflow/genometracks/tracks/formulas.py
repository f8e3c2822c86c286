"""What is written: from the model's tracks to the run's own, and how each is computed.

A run's track is one of the model's, the mean or sum of a group of them, or what two groups differ
by; and, of several folds, their standard deviation. Needs no torch.
"""

from dataclasses import dataclass, replace

from genometracks.errors import UserError
from genometracks.tracks.selection import describe_track, name_files, safe_names, select_tracks

SIGNS = {"difference": "minus", "ratio": "divided by", "log2_ratio": "divided by"}


@dataclass(frozen=True)
class Output:
    """A track of the run.

    Attributes
    ----------
    row : dict
        Of tracks.tsv: `track`, `name`, `index` (the model's channel, or None), `description`.
    of : str
        mean, sum, difference, ratio or log2_ratio.
    members : list of int
        Channels; of a pair, the treatment.
    control : list of int
        Channels of a pair's control.
    pseudocount : float
        Added to both sides of a ratio.
    """

    row: dict
    of: str
    members: list[int]
    control: list[int]
    pseudocount: float = 0.0


def list_outputs(tracks: list[dict], settings: dict) -> list[Output]:
    """The run's tracks in order: those of the model or groups of them, pairs, then all their SDs.

    Parameters
    ----------
    tracks : list of dict
        The model's, in order.
    settings : dict
        The config's `output.tracks`, `aggregate`, `pairs` and `sd`.

    Raises
    ------
    UserError
        If something chooses no track, or names a column that there is not.
    """
    chosen = select_tracks(tracks, settings["tracks"])
    if settings["aggregate"]:
        outputs = _group(tracks, chosen, **settings["aggregate"])
    else:
        outputs = [Output(describe_track(tracks, i), "mean", [i], []) for i in chosen]
    outputs += [_pair(tracks, pair, i) for i, pair in enumerate(settings["pairs"])]
    if not outputs:
        raise UserError(
            "output.tracks: is empty, and there are no output.pairs: choose some tracks"
        )
    rows = name_files([output.row for output in outputs])
    outputs = [replace(output, row=row) for output, row in zip(outputs, rows, strict=True)]
    return outputs + _list_deviations(outputs) if settings["sd"] else outputs


def _group(tracks: list[dict], chosen: list[int], *, by: str, of: str) -> list[Output]:
    """Groups of equal values of a column, in the order of their first tracks."""
    columns = list(dict.fromkeys(column for track in tracks for column in track))
    if by not in columns:
        raise UserError(f"output.aggregate: no column {by!r}: columns are {', '.join(columns)}")
    groups: dict[str, list[int]] = {}
    for i in chosen:
        groups.setdefault(str(tracks[i].get(by, "")).strip() or f"no {by}", []).append(i)
    return [
        Output(
            _describe_group(value, f"{of} of {len(members)} tracks with {by}: {value}"),
            of,
            members,
            [],
        )
        for value, members in groups.items()
    ]


def _pair(tracks: list[dict], pair: dict, number: int) -> Output:
    treatment, control = (
        select_tracks(tracks, pair[side], key=f"output.pairs[{number}].{side}")
        for side in ("treatment", "control")
    )
    sides = [f"mean of {len(side)} tracks" for side in (treatment, control)]
    told = f" {SIGNS[pair['of']]} ".join(sides)
    if pair["of"] != "difference":
        told += f", each plus {pair['pseudocount']:g}"
    if pair["of"] == "log2_ratio":
        told = f"log2 of {told}"
    row = _describe_group(pair["name"], told)
    return Output(row, pair["of"], treatment, control, pair["pseudocount"])


def _describe_group(name: str, description: str) -> dict:
    return {"name": name, "index": None, "description": description}


def _list_deviations(outputs: list[Output]) -> list[Output]:
    """The SD of every track, which is computed beside it."""
    stems = [output.row["track"] for output in outputs]
    names = safe_names([*stems, *(f"{stem}.sd" for stem in stems)])[len(stems) :]
    deviations = []
    for output, track in zip(outputs, names, strict=True):
        told = f"standard deviation, between folds, of {output.row['name']}"
        row = {**output.row, "track": track, "name": f"{output.row['name']}.sd"}
        deviations.append(replace(output, row={**row, "index": None, "description": told}))
    return deviations
