"""Subgroups of a hub's tracks, from columns of their metadata, and names that UCSC accepts."""

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from genometracks.browse.hub.columns import Column, list_values
from genometracks.browse.scene import Scene

__all__ = ["KIND", "Subgroup", "format_dimensions", "make_subgroups", "name_stanzas"]

LOG = logging.getLogger(__name__)
MOST_COLUMNS, MOST_VALUES = 8, 1000
"""Subgroups of a composite track, and members of one, that UCSC reads (kent, src/hg/lib/hui.c)."""
LETTERS = "XYABCDEFGH"
"""Of dimensions: X and Y are the table of check boxes, others lists."""
KIND = "kind"
"""Subgroup that distinguishes predicted and observed tracks."""


@dataclass(frozen=True)
class Subgroup:
    """A subgroup: tag and label, tag -> label of its members, and the member of each track."""

    tag: str
    label: str
    members: dict[str, str]
    of_tracks: list[str]


def make_subgroups(scene: Scene, columns: Sequence[Column]) -> list[Subgroup]:
    """Make a subgroup of each column that UCSC can show; one of kinds if there are observed tracks.

    Columns that are left out are named in a note.
    """
    kept: list[Column] = []
    for column in columns:
        if len(column.values) > MOST_VALUES or len(kept) == MOST_COLUMNS - bool(scene.observed):
            LOG.warning(
                f"the hub does not group tracks by column {column.name!r}: UCSC reads up to "
                f"{MOST_COLUMNS} columns of up to {MOST_VALUES:,} values; the page does group them"
            )
        else:
            kept.append(column)
    tags = name_stanzas([column.name for column in kept], taken=[KIND, "view"])
    found = []
    for tag, column in zip(tags, kept, strict=True):
        members = dict(zip(column.values, name_stanzas(column.values, taken=[]), strict=True))
        labels = {members[value]: _format_title(value or "not given") for value in column.values}
        values = list_values(scene.tracks, column.name)
        title = _format_title(column.name)
        found.append(Subgroup(tag, title, labels, [members[value] for value in values]))
    if scene.observed:
        labels = {"predicted": "Predicted", "observed": "Observed"}
        found.append(Subgroup(KIND, "Kind", labels, ["predicted"] * len(scene.tracks)))
    return found


def format_dimensions(subgroups: Sequence[Subgroup]) -> dict[str, str]:
    """Settings of a table of check boxes, the longer of the first two subgroups downwards."""
    if not subgroups:
        return {}
    first = sorted(subgroups[:2], key=lambda each: len(each.members))
    if len(first) == 1:
        first, letters = list(subgroups), "Y"
    else:
        first, letters = [*first, *subgroups[2:]], LETTERS
    dimensions = [f"dim{letter}={each.tag}" for letter, each in zip(letters, first, strict=False)]
    # Descending: predicted before observed.
    order = [f"{each.tag}={'-' if each.tag == KIND else '+'}" for each in subgroups]
    settings = {"dimensions": " ".join(dimensions), "sortOrder": " ".join(order)}
    more = [f"dim{letter}" for letter in LETTERS[2 : len(subgroups)]]
    return settings | ({"filterComposite": " ".join(more)} if more else {})


def name_stanzas(texts: Sequence[str], *, taken: Iterable[str]) -> list[str]:
    """Unique names of letters, digits and underscores that begin with a letter."""
    used = {name.lower() for name in taken}
    names = []
    for text in texts:
        stem = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")[:60] or "none"
        stem = stem if stem[0].isalpha() else f"t_{stem}"
        name, count = stem, 1
        while name.lower() in used:
            count += 1
            name = f"{stem}_{count}"
        used.add(name.lower())
        names.append(name)
    return names


def _format_title(text: str) -> str:
    """A title of a subgroup: one word, whose underscores are shown as spaces."""
    return re.sub(r"[^A-Za-z0-9.+():,/-]+", "_", text).strip("_")[:60] or "other"
