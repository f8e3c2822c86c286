"""Damaged and hostile Keras files give a result or exactly one ModelError of one line."""

import json
from pathlib import Path

import h5py
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grelu_models.files.weights_file import open_weights
from keras_files import TINY, tiny_stored, tiny_weights, write_h5, write_keras
from weights_fuzz import DAMAGE, damage, fuzz, outcome, use


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Valid files of each layout."""
    folder = tmp_path_factory.mktemp("fuzz")
    write_h5(folder / "whole.h5", TINY, tiny_weights())
    write_h5(folder / "alone.h5", None, tiny_weights(), group="")
    write_keras(folder / "zip.keras", TINY, tiny_stored())
    return folder


def read(path: Path) -> None:
    """Read a file as a family does."""
    file = outcome(open_weights, path)
    if file is not None:
        outcome(lambda: getattr(file, "config", None))
        outcome(file.state_dict)


FLIPS = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), max_size=4)


@fuzz(150)
@given(st.sampled_from(["whole.h5", "alone.h5", "zip.keras"]), DAMAGE)
def test_damaged_files(folder, name, changes):
    copy = folder / f"damaged{Path(name).suffix}"
    copy.write_bytes(damage((folder / name).read_bytes(), changes))
    use(copy)


@fuzz(150)
@given(st.sampled_from(["whole.h5", "alone.h5"]), FLIPS)
def test_flipped_bytes_of_structures(folder, name, flips):
    """Zeros are left alone: most bytes of a file are unused parts of its structures."""
    data = bytearray((folder / name).read_bytes())
    used = [at for at, byte in enumerate(data) if byte]
    for place, mask in flips:
        data[used[int(place * len(used))]] ^= mask
    copy = folder / "flipped.h5"
    copy.write_bytes(data)
    read(copy)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@st.composite
def configs(draw):
    """The config of the tiny model with some values replaced or left out."""
    config = json.loads(json.dumps(TINY))
    for _ in range(draw(st.integers(1, 3))):
        place, steps = config, draw(st.integers(1, 8))
        for _ in range(steps):
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(place[key], dict | list) and draw(st.booleans()):
                place = place[key]
            elif draw(st.booleans()):
                place[key] = draw(JSON)
            else:
                del place[key]
                break
    return config


@fuzz(150)
@given(configs(), st.booleans())
def test_hostile_configs(folder, config, zipped):
    path = folder / ("config.keras" if zipped else "config.h5")
    if zipped:
        write_keras(path, config, tiny_stored())
    else:
        write_h5(path, config, tiny_weights())
    use(path)


NAME = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=10)


@fuzz(30)
@given(NAME, st.lists(NAME, max_size=5))
def test_hostile_names(folder, config, names):
    path = folder / "names.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = config
        file.attrs["layer_names"] = [name.encode() for name in names]
    read(path)
