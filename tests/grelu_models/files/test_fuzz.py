"""Damaged and hostile weights files give a result or exactly one ModelError of one line."""

import io
import pickle
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toys import ARCHITECTURE
from weights_fuzz import DAMAGE, damage, fuzz, use, write_valid_files


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Valid files of each format."""
    return write_valid_files(tmp_path_factory.mktemp("fuzz"))


# (a) damaged bytes

FILES = ("lightning.ckpt", "plain.pt", "old.pt", "tensors.safetensors", "plain.yaml")


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
