"""Use of damaged and hostile weights files in tests.

FUZZ_EXAMPLES multiplies the number of examples. Default is 1: seconds, for CI.
"""

import copy
import os
from pathlib import Path

import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from grelu_models.checkpoint import load
from grelu_models.description import list_tracks, read_metadata
from grelu_models.errors import ModelError
from grelu_models.files.pickle_machine import MOST
from grelu_models.files.weights import read_state_dict
from grelu_models.files.weights_file import open_weights
from toys import write_checkpoint, write_model

MULTIPLIER = int(os.environ.get("FUZZ_EXAMPLES", "1"))

PLACE = st.floats(0, 1, exclude_max=True)
FLIP = st.tuples(st.just("flip"), PLACE, st.integers(1, 255))
CUT = st.tuples(st.just("cut"), PLACE, PLACE)
COPY = st.tuples(st.just("copy"), PLACE, PLACE)
INSERT = st.tuples(st.just("insert"), PLACE, st.binary(min_size=1, max_size=12))
DAMAGE = st.lists(st.one_of(FLIP, CUT, COPY, INSERT), min_size=1, max_size=4)


def damage(data: bytes, changes) -> bytes:
    """Flip, cut, copy and insert bytes."""
    for kind, place, what in changes:
        at = int(place * len(data))
        if kind == "flip":
            data = data[:at] + bytes(byte ^ what for byte in data[at : at + 1]) + data[at + 1 :]
        elif kind == "cut":
            data = data[:at] + data[at + 1 + int(what**4 * len(data)) :]
        elif kind == "copy":
            data = data[:at] + data[int(what * len(data)) :][:64] + data[at:]
        else:
            data = data[:at] + what + data[at:]
    return data


LEFT_OUT = object()
"""In place of a value that is removed."""


def change_values(plain, changes, *, skip: str | None = None):
    """Replace values at any depth of lists and dicts, or leave them out: (PLACE, value) each.

    What is below the key `skip` stays as it is.
    """
    for place, value in changes:
        places = _list_places(plain, skip)
        if not places:
            break
        container, key = places[int(place * len(places))]
        if value is LEFT_OUT:
            del container[key]
        else:
            container[key] = copy.deepcopy(value)
    return plain


def _list_places(value, skip: str | None) -> list:
    """Every (container, key) of nested values."""
    if not isinstance(value, dict | list):
        return []
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    found = [(value, key, item) for key, item in pairs if skip is None or key != skip]
    places = [(container, key) for container, key, _ in found]
    return places + [place for *_, item in found for place in _list_places(item, skip)]


def fuzz(examples: int):
    """Settings of a test with so many examples in CI."""
    return settings(
        max_examples=examples * MULTIPLIER, suppress_health_check=list(HealthCheck), database=None
    )


def outcome(function, *arguments, **named):
    """The result of a function, or None after a ModelError of one line."""
    try:
        return function(*arguments, **named)
    except ModelError as error:
        assert "\n" not in str(error) and str(error).isprintable() and len(str(error)) < 40_010
        return None


def count(value) -> int:
    """Number of nested values; shared ones count each time."""
    if isinstance(value, dict):
        return 1 + sum(count(key) + count(item) for key, item in value.items())
    return 1 + sum(map(count, value)) if isinstance(value, list | tuple | set) else 1


def use(path: Path) -> None:
    """Read a weights file as the workflow does; its metadata must stay small."""
    read = outcome(lambda: read_metadata(open_weights(path)))
    if read is not None:
        assert sum(count(value) for value in vars(read).values()) < 2 * MOST
    outcome(list_tracks, path)
    outcome(read_state_dict, path)
    outcome(load, path)


def write_valid_files(folder: Path) -> Path:
    """Write valid files of each format."""
    weights = write_model(folder, name="tensors")
    write_checkpoint(folder / "lightning.ckpt")
    state = load(weights)[0].state_dict()
    torch.save(state, folder / "plain.pt")
    torch.save(state, folder / "old.pt", _use_new_zipfile_serialization=False)
    for name in ("plain.yaml", "old.yaml"):
        (folder / name).write_bytes(weights.with_suffix(".yaml").read_bytes())
    return folder
