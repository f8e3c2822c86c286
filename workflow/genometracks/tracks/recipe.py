"""How a run's tracks are computed from a model's outputs, as the plan holds it.

Contributions are all strands, shifts and folds; the average is their plain mean. Needs no torch.
"""

import math

from genometracks.errors import UserError
from genometracks.tracks.formulas import Output, list_outputs

STRANDS = (("+", "-"), ("plus", "minus"), ("fwd", "rev"), ("forward", "reverse"), ("pos", "neg"))
"""Ends of names that tell two strands apart."""

SQUASH = ("scale", "clip_soft", "sum_stat")
"""Columns of the published tables of targets that say how a track was squashed."""


def make_recipe(model: dict, settings: dict) -> tuple[list[dict], dict]:
    """The rows of tracks.tsv, and how they are computed.

    Parameters
    ----------
    model : dict
        model.json: `tracks`, `strand_partners`, `activation`, `folds`.
    settings : dict
        Those of `config.OF_OUTPUT` and `config.OF_AVERAGE`.

    Returns
    -------
    rows : list of dict
        As `Output.row`, and `computed`: what stands behind the values, in words.
    recipe : dict
        `channels`: those of the model that are computed. `partners`: None, or for each of them the
        place, in `channels`, of the one on the other strand. `shifts`, bp. `order`: whether the
        activation comes before the average, `activation`, or after it, `logits`. `outputs`:
        `of`, and places of `members` (and `control`, `pseudocount`). `sd`. `scale`: None, or
        `recipe`, `when`, and for each channel `scale`, `clip_soft` and `sqrt`.

    Raises
    ------
    UserError
        If a setting does not suit the model.
    """
    tracks, flipped = model["tracks"], settings["reverse_complement"]
    folds = len(model["folds"])
    if settings["sd"] and folds < 2:
        raise UserError(
            "output.sd: there is one fold, and nothing to deviate: give model.weights a list, or "
            "leave output.sd out"
        )
    outputs = list_outputs(tracks, settings)
    means = outputs[: len(outputs) // 2] if settings["sd"] else outputs
    partners = _find_partners(model, settings["strands"]) if flipped else None
    asked = {i for output in means for i in (*output.members, *output.control)}
    if model["activation"] == "softmax":  # a track's value depends on the others'
        asked = set(range(len(tracks)))
    elif partners:
        asked |= {partners[i] for i in asked}
    channels = sorted(asked)
    places = {channel: place for place, channel in enumerate(channels)}
    recipe = {
        "channels": channels,
        "partners": [places[partners[i]] for i in channels] if partners else None,
        "shifts": settings["shifts"],
        "order": settings["average"],
        "outputs": [_place(output, places) for output in means],
        "sd": settings["sd"],
        "scale": _find_scale(tracks, channels, settings),
    }
    said, each = (
        describe_computation(recipe, activation=model["activation"], folds=count)
        for count in (folds, 1)
    )
    told = [said] * len(means) + [f"SD of {folds} folds: {each}"] * (len(outputs) - len(means))
    scale = _name_scale(recipe["scale"], tracks)
    rows = [
        {**output.row, "computed": f"{one}; {scale}"}
        for output, one in zip(outputs, told, strict=True)
    ]
    return rows, recipe


def _place(output: Output, places: dict[int, int]) -> dict:
    placed = {"of": output.of, "members": [places[i] for i in output.members]}
    if output.control:
        placed["control"] = [places[i] for i in output.control]
        placed["pseudocount"] = output.pseudocount
    return placed


def _find_partners(model: dict, strands: str) -> list[int]:
    """For each channel, the one that the other strand's value is taken from."""
    own = list(range(len(model["tracks"])))
    if strands == "unpaired":
        return own
    # A track whose partner is written down is settled, also where that is itself.
    loose = [track for track in model["tracks"] if not str(track.get("strand_pair", "")).strip()]
    pair = find_stranded([track["name"] for track in loose])
    signs = {str(track.get("strand", "")).strip() for track in loose}
    if pair or {"+", "-"} <= signs:
        seen = f"{pair[0]} and {pair[1]} look like" if pair else "the column strand tells of"
        raise UserError(
            f"prediction.reverse_complement: {seen} two strands, and the model does not say which "
            "tracks are partners: give its tracks a column strand_pair with the partner's index "
            "(model.tracks), or set prediction.strands: unpaired"
        )
    return model["strand_partners"] or own


def find_stranded(names: list[str]) -> tuple[str, str] | None:
    """Two names that differ only in an end that tells strands apart, if there are such."""
    known = {name.lower(): name for name in names}
    for name in names:
        for plus, minus in STRANDS:
            other = known.get(name.lower().removesuffix(plus) + minus)
            if name.lower().endswith(plus) and other:
                return name, other
    return None


def _find_scale(tracks: list[dict], channels: list[int], settings: dict) -> dict | None:
    """How to undo the squashing of each channel."""
    if settings["scale"] == "model":
        return None
    if settings["untransform_when"] == "before" and settings["average"] == "logits":
        raise UserError(
            "output.untransform_when: before: with prediction.average: logits there are no values "
            "before the average: set one of them otherwise"
        )
    found: dict[str, list] = {"scale": [], "clip_soft": [], "sqrt": []}
    for i in channels:
        name, where = tracks[i]["name"], "output.scale: counts: track"
        for column in SQUASH:
            if not str(tracks[i].get(column, "")).strip():
                raise UserError(
                    f"{where} {name!r} has no {column!r}: "
                    f"model.tracks must name a table with {', '.join(SQUASH)} (Borzoi's targets)"
                )
        try:
            scale, clip = float(tracks[i]["scale"]), float(tracks[i]["clip_soft"])
        except ValueError as error:
            raise UserError(f"{where} {name!r}: no number: {error}") from error
        if not 0 < scale < math.inf or math.isnan(clip):
            raise UserError(
                f"{where} {name!r}: its scale is {scale:g} and its clip_soft {clip:g}: the first "
                "must be greater than 0, both numbers: mend the table (model.tracks)"
            )
        found["scale"].append(scale)
        found["clip_soft"].append(clip)
        found["sqrt"].append("_sqrt" in str(tracks[i]["sum_stat"]))
    return {"recipe": settings["untransform"], "when": settings["untransform_when"], **found}


def _name_scale(scale: dict | None, tracks: list[dict]) -> str:
    if scale:
        return f"counts by {scale['recipe']}, {scale['when']} the average"
    return "squashed scale" if "clip_soft" in tracks[0] else "the model's scale"


def describe_computation(recipe: dict, *, activation: str | None, folds: int) -> str:
    """What stands behind a run's values: `exp, then the mean of 2 strands x 4 folds`."""
    parts = ["2 strands"] if recipe["partners"] else []
    if len(recipe["shifts"]) > 1 or recipe["shifts"] != [0]:
        parts.append(f"shifts of {', '.join(map(str, recipe['shifts']))} bp")
    if folds > 1:
        parts.append(f"{folds} folds")
    said, mean = activation or "logits", f"the mean of {' x '.join(parts)}"
    if not parts:
        return said
    return f"{said}, then {mean}" if recipe["order"] == "activation" else f"{mean}, then {said}"
