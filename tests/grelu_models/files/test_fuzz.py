"""Damaged and hostile weights files give a result or exactly one ModelError of one line.

FUZZ_EXAMPLES multiplies the number of examples. Default is 1: seconds, for CI.
"""

import io
import os
import pickle
import struct
import zipfile
from inspect import signature
from pathlib import Path

import pytest
import torch
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from grelu_models.card import measure_flanks, measure_geometry
from grelu_models.checkpoint import build_model, load
from grelu_models.errors import ModelError
from grelu_models.files.adapters import ADAPTERS
from grelu_models.files.architecture import ARGUMENTS
from grelu_models.files.description import describe, list_tracks, read_metadata
from grelu_models.files.pickle_machine import MOST
from grelu_models.files.weights import read_state_dict
from grelu_models.files.weights_file import open_weights
from grelu_models.models import ARCHITECTURES
from toys import ARCHITECTURE, write_checkpoint, write_model

MULTIPLIER = int(os.environ.get("FUZZ_EXAMPLES", "1"))


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


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Valid files of each format."""
    folder = tmp_path_factory.mktemp("fuzz")
    weights = write_model(folder, name="tensors")
    write_checkpoint(folder / "lightning.ckpt")
    state = load(weights)[0].state_dict()
    torch.save(state, folder / "plain.pt")
    torch.save(state, folder / "old.pt", _use_new_zipfile_serialization=False)
    for name in ("plain.yaml", "old.yaml"):
        (folder / name).write_bytes(weights.with_suffix(".yaml").read_bytes())
    return folder


# (a) damaged bytes

FILES = ("lightning.ckpt", "plain.pt", "old.pt", "tensors.safetensors", "plain.yaml")
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


@fuzz(60)
@given(st.sampled_from(FILES), DAMAGE)
def test_damaged_files(folder, name, changes):
    whole = (folder / name).read_bytes()
    copy = folder / f"damaged{Path(name).suffix}"
    beside = copy.with_suffix(".yaml")
    beside.write_bytes((folder / "tensors.yaml").read_bytes())
    if name.endswith(".yaml"):
        copy = copy.with_suffix(".pt")
        copy.write_bytes((folder / "plain.pt").read_bytes())
        beside.write_bytes(damage(whole, changes))
    else:
        copy.write_bytes(damage(whole, changes))
    use(copy)


def rezip(source: Path, copy: Path, change) -> None:
    """Copy a torch file with its pickle changed and all CRCs right."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(copy, "w") as changed:
        for member in archive.infolist():
            data = archive.read(member)
            changed.writestr(member, change(data) if member.filename.endswith(".pkl") else data)


@fuzz(60)
@given(st.sampled_from(("lightning.ckpt", "plain.pt")), DAMAGE)
def test_damaged_pickles_of_sound_archives(folder, name, changes):
    copy = folder / f"pickle{Path(name).suffix}"
    copy.with_suffix(".yaml").write_bytes((folder / "tensors.yaml").read_bytes())
    rezip(folder / name, copy, lambda pickled: damage(pickled, changes))
    use(copy)


@fuzz(40)
@given(DAMAGE)
def test_damaged_headers_of_safetensors(folder, changes):
    whole = (folder / "tensors.safetensors").read_bytes()
    end = 8 + struct.unpack("<Q", whole[:8])[0]
    header = damage(whole[8:end], changes)
    copy = folder / "header.safetensors"
    copy.with_suffix(".yaml").write_bytes((folder / "tensors.yaml").read_bytes())
    copy.write_bytes(struct.pack("<Q", len(header)) + header + whole[end:])
    use(copy)


# (b) generated pickles

NAMES = (
    "collections\nOrderedDict",
    "builtins\nset",
    "builtins\nbytes",
    "builtins\neval",
    "_codecs\nencode",
    "numpy\ndtype",
    "numpy.core.multiarray\n_reconstruct",
    "numpy.core.multiarray\nscalar",
    "numpy\nndarray",
    "pandas\nNA",
    "pathlib\nPosixPath",
    "lightning_fabric.utilities.data\nAttributeDict",
    "torch._utils\n_rebuild_tensor_v2",
    "torch._utils\n_rebuild_parameter",
    "torch._utils\n_rebuild_parameter_with_state",
    "torch\nFloatStorage",
    "torch\nLongStorage",
    "torch\nSize",
    "torch\nfloat32",
    "torch.nn.parameter\nParameter",
)


def text(value: str) -> bytes:
    """An instruction that pushes a text."""
    data = value.encode("utf-8", "surrogatepass")
    return pickle.BINUNICODE + struct.pack("<I", len(data)) + data


LEAVES = st.one_of(
    st.sampled_from(
        [
            pickle.NONE,
            pickle.NEWTRUE,
            pickle.EMPTY_TUPLE,
            pickle.EMPTY_LIST,
            pickle.EMPTY_DICT,
            pickle.EMPTY_SET,
        ]
    ),
    st.integers(-(2**31), 2**31 - 1).map(lambda n: pickle.BININT + struct.pack("<i", n)),
    st.integers(-9, 9).map(lambda n: pickle.BININT + struct.pack("<i", n)),
    st.binary(max_size=255).map(lambda b: pickle.LONG1 + bytes([len(b)]) + b),
    st.floats().map(lambda x: pickle.BINFLOAT + struct.pack(">d", x)),
    st.text(st.characters(), max_size=5).map(text),
    st.sampled_from(["name", "n_tasks", "model_type", "seq_len", "chrom", "f4", "U1", "0"]).map(
        text
    ),
    st.sampled_from(NAMES).map(lambda name: pickle.GLOBAL + f"{name}\n".encode()),
    st.integers(1000, 1003).map(lambda i: pickle.LONG_BINGET + struct.pack("<I", i)),
)
PUT = st.integers(1000, 1003).map(lambda i: pickle.LONG_BINPUT + struct.pack("<I", i))


def combine(parts):
    """Instructions that make one value of several."""
    joined = st.lists(parts, max_size=4).map(b"".join)
    pair = st.tuples(parts, parts).map(b"".join)
    return st.one_of(
        joined.map(lambda items: pickle.MARK + items + pickle.TUPLE),
        joined.map(lambda items: pickle.EMPTY_LIST + pickle.MARK + items + pickle.APPENDS),
        st.lists(pair, max_size=4).map(
            lambda pairs: pickle.EMPTY_DICT + pickle.MARK + b"".join(pairs) + pickle.SETITEMS
        ),
        pair.map(lambda two: two + pickle.TUPLE2),
        pair.map(lambda two: two + pickle.REDUCE),
        pair.map(lambda two: two + pickle.NEWOBJ),
        pair.map(lambda two: two + pickle.BUILD),
        parts.map(lambda one: one + pickle.BINPERSID),
        st.tuples(parts, PUT).map(b"".join),
        parts.map(lambda one: pickle.EMPTY_LIST + one + pickle.APPEND),
    )


FRAGMENT = st.recursive(LEAVES, combine, max_leaves=12)
HERE = "@here@"
ROOMS = {
    "all": HERE,
    "plain": {"weight": HERE},
    "state": {"state_dict": {"model.a": HERE}, "hyper_parameters": {}},
    "model": {"state_dict": {}, "hyper_parameters": {"model_params": HERE}},
    "argument": {
        "state_dict": {},
        "hyper_parameters": {"model_params": {**ARCHITECTURE, "n_tasks": HERE}},
    },
    "training": {"state_dict": {}, "hyper_parameters": {"train_params": {"task": HERE}}},
    "tasks": {"state_dict": {}, "hyper_parameters": {}, "data_params": {"tasks": {"name": HERE}}},
    "column": {
        "state_dict": {},
        "hyper_parameters": {},
        "data_params": {"tasks": {"name": ["a"], "strand_pair": HERE}},
    },
    "data": {"state_dict": {}, "hyper_parameters": {}, "data_params": {"train": HERE}},
    "intervals": {
        "state_dict": {},
        "hyper_parameters": {},
        "data_params": {"val_intervals": {"chrom": ["1"], "start": HERE, "end": [3]}},
    },
}


def write_pickle(path: Path, pickled: bytes) -> None:
    """Write a torch file with one stored tensor."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/data/0", bytes(16))
        archive.writestr("archive/version", "3\n")


@fuzz(120)
@given(st.sampled_from(sorted(ROOMS)), FRAGMENT)
def test_generated_pickles(folder, room, fragment):
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, protocol=2)
    pickler.fast = True  # without a memo
    pickler.dump(ROOMS[room])
    assert buffer.getvalue().count(text(HERE)) == 1
    path = folder / "generated.pt"
    path.with_suffix(".yaml").unlink(missing_ok=True)
    write_pickle(path, buffer.getvalue().replace(text(HERE), fragment))
    use(path)


# (c) hostile architectures

FAMILIES = {name: list(signature(family).parameters) for name, family in ARCHITECTURES.items()}
FAMILIES |= {
    "borzoi-pytorch": [
        *("flashed", "head", "crop_len", "depth", "dim", "heads", "attn_dim_key"),
        *("attn_dim_value", "n_tasks"),
    ],
    "enformer-pytorch": [
        *("head", "crop_len", "dim", "depth", "heads", "attn_dim_key", "num_downsamples"),
        *("use_tf_gamma", "n_tasks"),
    ],
}
HUGE = [10**4200, -(10**4200), 2**63, 2**31, 10**6, 1e308, float("inf"), float("nan")]
ODD = [None, True, False, "", "auto", "3", "x\n", [], [3], [[]], {}, {"eps": "x"}, b"", {1: 2}]
VALUES = st.one_of(
    st.sampled_from([0, 1, 2, 3, 4, 6, 12, 100, 0.5, 1.5, 2.0, "max", "avg", "attn", "relu", -1]),
    st.sampled_from([*HUGE, *ODD]),
    st.integers(-3, 120_000),
    st.floats(),
)
BASES = {
    "ConvMLPModel": {"n_tasks": 2, "seq_len": 200},
    "ExplaiNNModel": {"n_tasks": 2, "in_len": 100},
    "borzoi-pytorch": {},
    "enformer-pytorch": {},
}


@st.composite
def architectures(draw):
    """An architecture of a family, with some hostile values."""
    family = draw(st.sampled_from(sorted(FAMILIES)))
    names = st.one_of(st.sampled_from(FAMILIES[family]), st.sampled_from(sorted(ARGUMENTS)))
    changed = draw(st.dictionaries(names, VALUES, max_size=3))
    known = {key: changed[key] for key in changed if key in FAMILIES[family]}
    given = known if draw(st.booleans()) else changed
    return {"model_type": family, **BASES.get(family, {"n_tasks": 2}), **given}


@fuzz(30)
@given(architectures(), st.sampled_from([1, 96, 200, 4096, 524_288, 100_000_000]))
@example({"model_type": "ConvGRUModel", "n_tasks": 1, "n_gru": 100}, 100_000_000)
@example({"model_type": "EnformerModel", "n_tasks": 1, "n_conv": 1}, 100_000_000)
def test_hostile_architectures(folder, architecture, window):
    weights = folder / "plain.pt"
    outcome(load, weights, architecture=architecture, window=window)
    outcome(list_tracks, weights, architecture)
    described = outcome(lambda: describe(open_weights(weights), architecture=architecture))
    if described is None:
        return
    with torch.device("meta"):
        model = outcome(build_model, described.built)
    if model is not None and outcome(measure_geometry, model, window) is not None:
        measure_flanks(model, window)


@fuzz(60)
@given(
    st.dictionaries(
        st.sampled_from(
            ["window", "bin_size", "activation", "tracks", "train", "intervals", "architecture"]
        ),
        st.one_of(
            VALUES.filter(lambda value: not isinstance(value, int) or abs(value) < 2**70),
            st.lists(st.dictionaries(st.sampled_from(["name", "strand_pair"]), VALUES), max_size=3),
            st.fixed_dictionaries({"train": st.dictionaries(st.text(max_size=3), VALUES)}),
        ),
        min_size=1,
    )
)
def test_hostile_values_beside_weights(folder, stated):
    path = folder / "beside.safetensors"
    path.write_bytes((folder / "tensors.safetensors").read_bytes())
    known = yaml.safe_load((folder / "tensors.yaml").read_text())
    try:
        written = yaml.safe_dump({**known, **stated})
    except ValueError:  # more digits than Python converts
        return
    path.with_suffix(".yaml").write_text(written)
    use(path)


def test_every_adapter_is_among_the_families():
    assert set(FAMILIES) == {*ARCHITECTURES, *ADAPTERS}
