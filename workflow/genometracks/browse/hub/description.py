"""The page that describes a hub: what is shown, in which scale, and on which terms."""

from collections.abc import Sequence
from html import escape

from genometracks.browse.labels import clean_text
from genometracks.browse.scene import Scene
from grelu_models.secrets import mask

__all__ = ["format_description"]

MOST = 20
"""Entries of a list that are written."""


def format_description(scene: Scene) -> str:
    """Format description.html, in the sections that UCSC asks for."""
    tracks, observed = len(scene.tracks), len(scene.observed)
    sections = {
        "Description": [
            f"Signals that a model predicts from the DNA sequence of {_text(scene.genome)}, in "
            f"bins of {scene.bin:,} bp ({tracks:,} in all). Bins of unknown bases are absent."
        ],
        "Display Conventions and Configuration": [
            "Each track is drawn between limits that follow from its own values; a predicted track "
            "and the observed tracks that it is compared with have the same limits."
        ],
        "Methods": _describe_methods(scene),
        "Credits": [f"Contact: {_text(scene.email)}." if scene.email else "No contact is given."],
        "Data Use": [
            f"Terms of the model's weights: {_text(scene.licence)}. They may apply to its "
            "predictions, too."
            if scene.licence
            else "The terms of the model's weights are not known to the program that made this hub."
        ],
    }
    if observed:
        sections["Display Conventions and Configuration"].append(
            f"Observed tracks ({observed:,}) are grey. They are on the model's scale, averaged "
            "over the same bins."
        )
    body = "".join(
        f"<h2>{title}</h2>\n" + "".join(f"<p>{line}</p>\n" for line in lines)
        for title, lines in sections.items()
    )
    title = _text(scene.run)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>'
        f"{title}</title></head>\n<body>\n{body}</body>\n</html>\n"
    )


def _describe_methods(scene: Scene) -> list[str]:
    lines = [f"Model: {_list([mask(each) for each in scene.weights])}."] if scene.weights else []
    computed = list(dict.fromkeys(track.computed for track in scene.tracks if track.computed))
    if any(not track.computed for track in scene.tracks):
        lines.append("Values are the model's output on its own scale.")
    if computed:
        lines.append(f"Values were computed as follows: {_list(computed)}.")
    return lines


def _list(texts: Sequence[str]) -> str:
    more = f"; and {len(texts) - MOST:,} more" if len(texts) > MOST else ""
    return "; ".join(map(_text, texts[:MOST])) + more


def _text(text: str | None) -> str:
    return escape(clean_text(text or "", most=2000))
