"""The file beside weights, tables of tracks, and names: every bad value is one error."""

import re
from pathlib import Path

import pytest
import torch
import yaml

from grelu_models.checkpoint import build_model, load
from grelu_models.description import find_weights, list_tracks, pair_strands, read_track_table
from grelu_models.errors import ModelError
from grelu_models.files import beside
from toys import ARCHITECTURE, STRANDED, write_checkpoint, write_model


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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"architecture": {"model_type": "ConvNet"}},
            "model.yaml: architecture: unknown model_type 'ConvNet': use one of ConvModel, ",
        ),
        (
            {"architecture": {"model_type": "BPNet", "outputs": 1}},
            "model.yaml: architecture: BPNet has no option 'outputs': it takes output, counts, ",
        ),
        (
            {"tracks": [{"name": "a"}]},
            "model.yaml: the metadata names 1 tracks, but the model has 3",
        ),
        (
            {"tracks": [{"name": "a", "strand_pair": "x"}] * 3},
            "model.yaml: track a: strand_pair 'x' is not the number of ",
        ),
        ({"activation": "expo"}, "model.yaml: unknown activation 'expo': use logits, exp, "),
        ({"bin_size": 5}, "model.yaml: the metadata state bins of 5 bp, but those of the model"),
    ],
)
def test_an_error_of_the_description_names_its_file(tmp_path, monkeypatch, change, message):
    monkeypatch.chdir(tmp_path)
    weights = write_model(Path())
    described = yaml.safe_load(Path("model.yaml").read_text())
    Path("model.yaml").write_text(yaml.safe_dump({**described, **change}))
    with pytest.raises(ModelError, match=f"^{re.escape(message)}"):
        load(weights)


def test_weights_that_do_not_fit_the_description_name_both(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    weights = write_model(Path())
    described = {"architecture": {**ARCHITECTURE, "stem_channels": 4}, "window": 96}
    Path("model.yaml").write_text(yaml.safe_dump(described))
    message = (
        "^model.safetensors: the weights do not fit the architecture: .*"
        "; the architecture is that of model.yaml beside them$"
    )
    with pytest.raises(ModelError, match=message):
        load(weights)
    weights.write_bytes(b"damaged")
    with pytest.raises(ModelError, match="^model.safetensors: ") as caught:
        load(weights)
    assert "model.yaml" not in str(caught.value)


def test_what_the_caller_gives_is_not_blamed_on_the_description(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    weights = write_model(Path())
    with pytest.raises(ModelError, match="^model.safetensors: the metadata names 1 tracks"):
        load(weights, tracks=[{"name": "a"}])
    with pytest.raises(ModelError, match="^model.safetensors: the weights do not fit"):
        load(weights, architecture={**ARCHITECTURE, "stem_channels": 4})
    with pytest.raises(ModelError, match="^model.safetensors: unknown activation 'expo'"):
        load(weights, activation="expo")
    with pytest.raises(ModelError, match="^unknown model_type 'ConvNet'"):
        load(weights, architecture={"model_type": "ConvNet"})


def test_a_card_names_the_description_beside_the_weights(tmp_path):
    weights = write_model(tmp_path)
    assert load(weights)[1].beside == tmp_path / "model.yaml"
    (tmp_path / "model.yaml").rename(tmp_path / "model.json")
    assert beside.find_beside(weights) == tmp_path / "model.json"
    assert load(write_checkpoint(tmp_path / "c.ckpt"))[1].beside is None
