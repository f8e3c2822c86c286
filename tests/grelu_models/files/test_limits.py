"""Files that would take all time or memory are refused, with the limit and what exceeds it."""

import pickle
import struct
import zipfile
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import save_file

from grelu_models.card import measure_geometry
from grelu_models.checkpoint import build_model, load
from grelu_models.errors import ModelError
from grelu_models.files import archive, beside, safetensors_file
from grelu_models.files.description import find_weights, list_tracks, pair_strands, read_track_table
from grelu_models.files.weights import load_weights, read_state_dict
from grelu_models.files.weights_file import open_weights
from toys import ARCHITECTURE, STRANDED, write_checkpoint, write_model

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


# Pickles


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
    refuse_all = "a.pt: no readable weights: neither safetensors nor a file of torch"
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


# Zips


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


# Tensors


@pytest.mark.parametrize("kind", [torch.int64, torch.bool, torch.complex64])
@pytest.mark.parametrize("form", ["pt", "safetensors"])
def test_only_floats_become_floats(tmp_path, kind, form):
    weights = write_model(tmp_path, norm=True)
    state = load(weights)[0].state_dict()
    name = "head.channel_transform.conv.layer.weight"
    state[name] = state[name].to(kind)
    path = tmp_path / f"model.{form}"
    (save_file if form == "safetensors" else torch.save)(state, path)
    with pytest.raises(ModelError) as caught:
        load(path)
    assert str(caught.value) == (
        f"{path}: the weights do not fit the architecture: {name} is "
        f"{str(kind).removeprefix('torch.')} where the model has float32"
    )


def test_floats_of_other_precision_are_converted(tmp_path):
    weights = write_model(tmp_path, norm=True)
    state = load(weights)[0].state_dict()
    half = {
        name: value.half() if value.is_floating_point() else value for name, value in state.items()
    }
    torch.save(half, tmp_path / "model.pt")
    loaded = load(tmp_path / "model.pt")[0].state_dict()
    assert {value.dtype for value in loaded.values()} == {torch.float32, torch.int64}


# safetensors


def write_header(path: Path, header: bytes, data: bytes = bytes(16)) -> Path:
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)
    return path


@pytest.mark.parametrize(
    "header",
    [
        b'{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,16]}}',
        b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},'
        b'"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}',
        b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,17]}}',
        b'{"a":{"dtype":"F32","shape":[4,1e300],"data_offsets":[0,16]}}',
        b'{"a":{"dtype":"F32","shape":[' + b"9" * 5000 + b'],"data_offsets":[0,16]}}',
        b'{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,16]}}',
        b'{"a":{"dtype":"F99","shape":[4],"data_offsets":[0,16]}}',
        b'{"__metadata__":' + b"[" * 3000 + b"]" * 3000 + b"}",
        b'{"__metadata__":' + b'{"a":' * 3000 + b"1" + b"}" * 3001,
        b"",
        b"\xff\xfe",
    ],
    ids=range(11),
)
def test_hostile_headers_of_safetensors_are_one_error(tmp_path, header):
    path = write_header(tmp_path / "a.safetensors", header)
    with pytest.raises(ModelError, match="a.safetensors: no readable weights: "):
        read_state_dict(path)


def test_the_header_of_safetensors_has_a_limit(tmp_path, monkeypatch):
    weights = write_model(tmp_path)
    monkeypatch.setattr(safetensors_file, "LARGEST_HEADER", 100)
    with pytest.raises(ModelError, match=r"refused, its header is \d+ bytes \(at most 100\)"):
        read_state_dict(weights)


# Architectures


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_conv": 10**6}, "n_conv must be a whole number from 1 to 100, not 1000000"),
        ({"n_conv": -1}, "n_conv must be a whole number from 1 to 100, not -1"),
        ({"n_conv": True}, "n_conv must be a whole number from 1 to 100, not True"),
        ({"n_conv": "3"}, "n_conv must be a whole number from 1 to 100, not '3'"),
        ({"n_conv": 10**5000}, "n_conv must be a whole number from 1 to 100, not a int"),
        ({"channel_mult": float("inf")}, "channel_mult must be a number from 0 to 1,000, not inf"),
        ({"channel_mult": float("nan")}, "channel_mult must be a number from 0 to 1,000, not nan"),
        ({"n_tasks": 10**9}, "n_tasks must be a whole number from 1 to 100,000, or null, not 1000"),
        ({"kernel_size": 0}, "kernel_size must be a whole number from 1 to 10,000, not 0"),
        (
            {"pool_size": [2]},
            r"pool_size must be a whole number from 1 to 100,000, or null, not \[",
        ),
        (
            {"crop_len": -3},
            "crop_len must be a whole number from 0 to 100,000,000, or auto, not -3",
        ),
        ({"norm": "no"}, "norm must be true or false, not 'no'"),
        ({"act_func": 3}, "act_func must be a name, or null, not 3"),
        ({"n_tasks": nest(5)}, "refused, more than 10,000 nested values"),
        ({"n_tasks": nest(30, width=1)}, "refused, more than 10 levels of nested values"),
        ({3: 1}, "3 is not the name of an argument"),
        ({"model_type": ["x"]}, r"model_type must be a name, not \['x'\]"),
    ],
)
def test_sizes_in_an_architecture_have_limits(tmp_path, changes, message):
    weights = write_model(tmp_path)
    hostile = {**ARCHITECTURE, **changes}
    for read in (load, list_tracks):
        with pytest.raises(ModelError, match=f"^model.architecture: {message}"):
            read(weights, **{"architecture" if read is load else "given": hostile})
    if changes.get("n_conv", 0) > 10**4000 if isinstance(changes.get("n_conv"), int) else False:
        return
    stated = yaml.safe_load(weights.with_suffix(".yaml").read_text())
    weights.with_suffix(".yaml").write_text(yaml.safe_dump({**stated, "architecture": hostile}))
    with pytest.raises(ModelError, match=f"model.yaml: architecture: {message}"):
        load(weights)


@pytest.mark.parametrize("name", ["n_conv", "channel_mult", "n_tasks"])
def test_a_checkpoint_has_the_same_limits(tmp_path, name):
    given = {"model_params": {**ARCHITECTURE, name: 10**7}}
    path = write_checkpoint(tmp_path / "a.ckpt", hyper_parameters=given)
    refuse(path, f"a.ckpt: model_params: {name} must be a .*number from .*, not 10000000")


@pytest.mark.parametrize("name", ["channel_mult", "dilation_mult"])
def test_sizes_that_grow_beyond_all_numbers_are_one_error(tmp_path, name):
    architecture = {**ARCHITECTURE, "n_conv": 100, "pool_func": None, name: 1000}
    message = "ConvModel cannot be built from these arguments: |the weights do not fit"
    with pytest.raises(ModelError, match=message):
        load(write_model(tmp_path), architecture=architecture)
    with torch.device("meta"), pytest.raises(ModelError, match="be built|does not fit the model"):
        measure_geometry(build_model(architecture), 96)


def test_attention_over_too_many_positions_is_one_error():
    with torch.device("meta"):
        model = build_model({"model_type": "EnformerModel", "n_tasks": 1, "n_conv": 3})
    message = "attention over 250,000 positions with 192 positional features needs more than 67,108"
    with pytest.raises(ModelError, match=message):
        measure_geometry(model, 2_000_000)


def test_recurrent_units_are_measured_without_running_them():
    architecture = {"model_type": "ConvGRUModel", "n_tasks": 1, "n_gru": 9, "final_pool_func": None}
    with torch.device("meta"):
        model = build_model(architecture)
    assert measure_geometry(model, 100_000_000).length == 100_000_000
    small = build_model(architecture)
    with torch.inference_mode():
        assert small.eval()(torch.zeros(1, 4, 50)).shape == (
            1,
            1,
            measure_geometry(small, 50).length,
        )


def test_a_window_has_a_limit(tmp_path):
    weights = write_model(tmp_path)
    with pytest.raises(
        ModelError, match="the window is 100000001 bp .at most 100,000,000.: give a"
    ):
        load(weights, window=100_000_001)


# The file beside the weights


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("window", "abc", "must be a whole number from 1 to 100,000,000, not 'abc'"),
        ("window", True, "must be a whole number from 1 to 100,000,000, not True"),
        ("bin_size", 1.5, "must be a whole number from 1 to 100,000,000, not 1.5"),
        ("activation", [1], r"must be a name, not \[1\]"),
        ("architecture", 3, "must hold model_type and its arguments, not 3"),
        ("tracks", 3, "must list one track per channel, e.g. '- name: atac'"),
        ("tracks", ["a"], "must list one track per channel"),
        ("tracks", [{"name": "a", "x": [1]}], r"track 0: x must be text or a number, not \[1\]"),
        ("tracks", [{"name": "a", 1: 2}], "track 0: 1 is not the name of a column"),
        ("train", [1], r"must hold keys and values, not \[1\]"),
        ("train", {"x": {"y": b"z"}}, "b'z' is neither text nor a number"),
        ("intervals", [1], r"must hold columns of chrom, start and end for train, .*, not \[1\]"),
        ("intervals", {"val": [1]}, "val: the columns of intervals are not lists of one length"),
        (
            "intervals",
            {"val": {"chrom": ["1"], "start": ["a"], "end": [2]}},
            "val: intervals need whole numbers up to 1,000,000,000,000, not 'a'",
        ),
    ],
)
def test_values_of_another_type_are_named(tmp_path, key, value, message):
    weights = write_model(tmp_path)
    stated = yaml.safe_load(weights.with_suffix(".yaml").read_text())
    weights.with_suffix(".yaml").write_text(yaml.safe_dump({**stated, key: value}))
    with pytest.raises(ModelError, match=f"model.yaml: {key}:? {message}"):
        load(weights)


BOMB = "a0: &a0 [x]" + "".join(
    f", a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * 9)}]" for i in range(9)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"data: {{{BOMB}}}", "more than 1,000,000 values"),
        ("data: " + "[" * 3000 + "]" * 3000, "more than 100 levels"),
        ("window: " + "9" * 5000, "not a usable value: Exceeds the limit"),
        ("window: 1\nwindow: 2", "key 'window' is given twice"),
        ("window: 1\0", "special characters are not allowed"),
    ],
    ids=["anchors", "brackets", "digits", "twice", "nul"],
)
@pytest.mark.parametrize("suffix", [".yaml", ".json"])
def test_hostile_text_beside_weights_is_one_error(tmp_path, text, message, suffix):
    weights = write_model(tmp_path)
    weights.with_suffix(".yaml").unlink()
    weights.with_suffix(suffix).write_text(text)
    with pytest.raises(
        ModelError, match=f"model{suffix}: not readable as YAML or JSON: .*{message}"
    ):
        load(weights)


def test_the_file_beside_weights_has_a_limit(tmp_path, monkeypatch):
    weights = write_model(tmp_path)
    monkeypatch.setattr(beside, "LARGEST", 100)
    with pytest.raises(ModelError, match=r"model.yaml: refused, it is \d+ bytes \(at most 100\)"):
        load(weights)


def test_dates_beside_weights_become_text(tmp_path):
    weights = write_model(tmp_path)
    with weights.with_suffix(".yaml").open("a") as file:
        file.write("train: {day: 2026-11-23}\n")
    assert load(weights)[1].train == {"day": "2026-11-23"}


# Names and tables


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "\ud800"])
def test_names_of_tracks_are_text(tmp_path, name):
    tasks = {"name": ["one", name, "three"]}
    path = write_checkpoint(tmp_path / "a.ckpt", data_params={"tasks": tasks})
    with pytest.raises(
        ModelError, match="track 1 of the metadata: name has characters that are no"
    ):
        list_tracks(path)


@pytest.mark.parametrize("text", ["9" * 5000, "1e3", "nan", "-1", "²", "[1]"])
def test_a_strand_pair_is_a_channel(text):
    with pytest.raises(
        ModelError, match="track cage.: strand_pair '.{,81} is not the number of a c"
    ):
        pair_strands(Path("a.ckpt"), [{**STRANDED[0], "strand_pair": text}, *STRANDED[1:]])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name\tx\na\t" + b"y" * 200_000 + b"\n", "field larger than field limit"),
        (b"name\n\xff\n", "cannot be read: .*utf-8"),
        (b"", "cannot be read: it is empty"),
        (b"name\nx\0y\n", r"line 2 has a NUL"),
    ],
)
def test_hostile_tables_of_tracks_are_one_error(tmp_path, content, message):
    (tmp_path / "t.tsv").write_bytes(content)
    with pytest.raises(ModelError, match=f"t.tsv: .*{message}"):
        read_track_table(tmp_path / "t.tsv")


@pytest.mark.parametrize("source", ["a\0b", "x" * 5000, "a\nb.ckpt", "lab/model:a\0b", ""])
def test_paths_that_no_file_can_have_are_one_line(source):
    for read in (find_weights, load):
        with pytest.raises(ModelError) as caught:
            read(source)
        assert str(caught.value).isprintable()


def test_messages_are_one_line_of_limited_length(tmp_path):
    state = build_model(ARCHITECTURE).state_dict() | {"a\nb\x1b[2J" + "x" * 9999: torch.ones(1)}
    torch.save(state, tmp_path / "a.pt")
    with pytest.raises(ModelError, match=r"a\\nb\\x1b\[2J") as caught:
        load(tmp_path / "a.pt", architecture=ARCHITECTURE, window=96)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 4100
