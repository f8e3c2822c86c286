"""Torch files that would take all time or memory are refused before."""

import pickle
import struct
import zipfile
from pathlib import Path

import pytest
import torch

from grelu_models.checkpoint import load
from grelu_models.description import list_tracks
from grelu_models.errors import ModelError
from grelu_models.files import archive
from grelu_models.files.weights import load_weights, read_state_dict
from grelu_models.files.weights_file import open_weights
from toys import write_checkpoint

TINY = Path(__file__).parents[1] / "tiny.ckpt"


def nest(levels: int, width: int = 9, kind=list):
    """Lists that each contain the one before several times: few bytes, many values."""
    value = kind([1])
    for _ in range(levels):
        value = kind([value] * width)
    return value


def write_zip(path: Path, pickled: bytes, *, tensor: bytes = bytes(16)) -> Path:
    """Write a torch file with one stored tensor."""
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("archive/data.pkl", pickled)
        zipped.writestr("archive/data/0", tensor)
        zipped.writestr("archive/version", "3\n")
    return path


def refuse(path: Path, message: str) -> None:
    """Assert that every reader raises the same error."""
    for read in (list_tracks, load):
        with pytest.raises(ModelError, match=message):
            read(path)


@pytest.mark.parametrize("part", ["model_params", "tasks", "intervals"])
def test_shared_lists_in_metadata_are_counted_as_often_as_they_occur(tmp_path, part):
    hidden = {"state_dict": {}, "hyper_parameters": {"model_params": {"mlp_hidden_size": nest(12)}}}
    where = "hyper_parameters"
    if part != "model_params":
        where = "data_params"
        data = {"tasks": {"name": [nest(12)]}, "train_intervals": {"chrom": nest(12)}}
        hidden |= {"hyper_parameters": {}, "data_params": data}
    path = write_zip(tmp_path / "a.ckpt", pickle.dumps(hidden, protocol=2))
    assert path.stat().st_size < 1200
    with pytest.raises(ModelError) as caught:
        load(path)
    assert str(caught.value) == f"{path}: {where}: refused, more than 4,000,000 nested values"


def test_a_list_that_contains_itself_has_no_last_level(tmp_path):
    circle: list = []
    circle.append(circle)
    content = {"state_dict": {}, "hyper_parameters": {"model_params": {"n_tasks": circle}}}
    path = write_zip(tmp_path / "a.ckpt", pickle.dumps(content, protocol=2))
    with pytest.raises(ModelError, match="refused, more than 100 levels of nested values"):
        load(path)


TUPLES = pickle.dumps({nest(3, kind=tuple): 1}, protocol=2)


@pytest.mark.parametrize(
    ("pickled", "message"),
    [
        (TUPLES, "refused, its pickle has a key of nested tuples: save the"),
        (
            TUPLES.replace(b"}q\x00", b"cbuiltins\nset\n](").replace(b"K\x01s", b"e\x85R"),
            "refused, its pickle has a key of nested tuples",
        ),
        (
            pickle.dumps({i << 61: 0 for i in range(11_000)}, protocol=2),
            "refused, its pickle has more than 10,000 keys other than text",
        ),
        (b"\x80\x02" + b"N" * 4_000_001, "refused, its pickle has more than 4,000,000 values"),
        (
            b"\x80\x02(X\x40\x42\x0f\x00" + b"x" * 10**6 + b"q\x00"
            b"" + b"c_codecs\nencode\nh\x00\x85R" * 20 + b"t.",
            "refused, its pickle has more than 4,000,000 values",
        ),
        (
            pickle.dumps([1], protocol=4),
            "refused, its pickle has the instruction 0x95, which torch does not read",
        ),
        (b"\x80\x02Nr\xff\xff\xff\xff.", "not a plain state dict"),
        (b"\x80\x02U\x05ab.", "its pickle is damaged: EOFError it ends early"),
        (b"\x80\x02.", "its pickle is damaged: IndexError"),
    ],
    ids=["key", "set", "hashes", "long", "copies", "protocol", "memo", "cut", "empty"],
)
def test_hostile_pickles_are_refused_before_they_take_memory(tmp_path, pickled, message):
    with pytest.raises(ModelError, match=f"a.pt: .*{message}"):
        read_state_dict(write_zip(tmp_path / "a.pt", pickled))


def test_old_files_have_the_same_limits(tmp_path):
    torch.save({}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    whole = (tmp_path / "old.pt").read_bytes()
    assert whole.count(b"}q\x00.") == 1
    (tmp_path / "old.pt").write_bytes(whole.replace(b"}q\x00.", TUPLES.removeprefix(b"\x80\x02")))
    with pytest.raises(ModelError, match="old.pt: refused, its pickle has a key of nested tuples"):
        read_state_dict(tmp_path / "old.pt")
    torch.save({"w": torch.ones(2)}, tmp_path / "big.pt", _use_new_zipfile_serialization=False)
    big = (tmp_path / "big.pt").read_bytes().replace(b"cpuq\x06K\x02", b"cpuq\x06J\xff\xff\xff\x7f")
    (tmp_path / "big.pt").write_bytes(big)
    with pytest.raises(ModelError, match="is not stored with its 8,589,934,588 bytes"):
        read_state_dict(tmp_path / "big.pt")


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n", b"name\tb\n" * 9, bytes(99)])
def test_other_files_are_named(tmp_path, content):
    (tmp_path / "a.pt").write_bytes(content)
    refuse_all = "a.pt: no readable weights: neither safetensors, Keras nor torch"
    with pytest.raises(ModelError, match=refuse_all):
        read_state_dict(tmp_path / "a.pt")


def test_metadata_as_large_as_those_of_the_largest_models_are_read(tmp_path):
    tracks = {column: [f"{column} of {i}" for i in range(7611)] for column in ("name", "file", "a")}
    windows = {"chrom": ["chr1"] * 50_000, "start": [*range(50_000)], "end": [*range(9, 50_009)]}
    data = {"tasks": tracks, "train": {"seq_len": 96, "intervals": windows}}
    path = write_checkpoint(tmp_path / "a.ckpt", data_params=data)
    metadata = open_weights(path).metadata()
    assert len(metadata.tracks) == 7611 and len(metadata.intervals["train"]["end"]) == 50_000
    with zipfile.ZipFile(path) as zipped:
        (size,) = [m.file_size for m in zipped.infolist() if m.filename.endswith("data.pkl")]
    assert 20 * size < 64 * 2**20


def test_a_flipped_bit_in_a_tensor_of_the_model_is_found(tmp_path):
    with zipfile.ZipFile(TINY) as zipped:
        data = zipped.read("archive/data/4")
    content = TINY.read_bytes()
    assert content.count(data) == 1
    at = content.index(data)
    path = tmp_path / "a.ckpt"
    path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    with pytest.raises(ModelError) as caught:
        load(path)
    assert str(caught.value) == (
        f"{path}: no readable weights: damaged or truncated, fetch it again: "
        "archive/data/4 has another CRC than the archive states"
    )


def test_tensors_that_are_not_of_the_model_are_not_read(tmp_path):
    optimizer = {"optimizer_states": [torch.full((9,), 7.0)]}
    path = write_checkpoint(tmp_path / "a.ckpt", **optimizer)
    whole = path.read_bytes()
    values = struct.pack("<9f", *[7.0] * 9)
    assert whole.count(values) == 1
    path.write_bytes(whole.replace(values, bytes(36)))
    load(path)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((1, 2**20), "the storage 0 is not stored with its 4,194,304 bytes"),
        ((4, 10**6), "the weights have 4 values, where the architecture has 1,000,000"),
    ],
    ids=["storage", "strides"],
)
def test_small_files_of_large_tensors_are_refused(tmp_path, numbers, message):
    stored, _ = numbers
    shape = (1000, 1000) if stored == 4 else (1024, 1024)
    content = {"weight": torch.zeros(1).expand(*shape), "bias": torch.zeros(shape[0])}
    torch.save(content, tmp_path / "a.pt")
    if stored == 1:
        with zipfile.ZipFile(tmp_path / "a.pt") as zipped:
            pickled = zipped.read("a/data.pkl").replace(b"cpuq\x06K\x01", b"cpuq\x06J\0\0\x10\0")
        write_zip(tmp_path / "a.pt", pickled, tensor=bytes(4))
        with pytest.raises(ModelError, match=message):
            read_state_dict(tmp_path / "a.pt")
        return
    with torch.device("meta"):
        model = torch.nn.Linear(*shape, bias=False)
    state = {"weight": torch.zeros(4)[:1].expand(*shape)}
    with pytest.raises(ModelError, match=message):
        load_weights(model, state, source="a.pt")


def test_archives_have_limits(tmp_path, monkeypatch):
    path = write_checkpoint(tmp_path / "a.ckpt")
    monkeypatch.setattr(archive, "LARGEST_DIRECTORY", 500)
    refuse(path, r"a.ckpt: refused, the directory of its zip is 799 bytes \(at most 500\)")
    monkeypatch.undo()
    monkeypatch.setattr(archive, "LARGEST_UNPACKED", 1000)
    load(path)
    packed = tmp_path / "b.ckpt"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            new.writestr(member.filename, old.read(member))
    refuse(packed, r"b.ckpt: refused, its compressed members are \d,\d+ bytes when unpacked")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_one_name_are_refused(tmp_path):
    path = write_checkpoint(tmp_path / "a.ckpt")
    with zipfile.ZipFile(path, "a") as zipped:
        zipped.writestr("a/data/0", bytes(4))
    refuse(path, "damaged or truncated, fetch it again: two of its members have one name")
