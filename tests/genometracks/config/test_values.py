"""Hostile values of a config: each is one error that names its key."""

import copy
import re

import pytest

from genometracks.config.resolve import check_config_files, read_config, resolve_config
from genometracks.config.schema import list_keys
from genometracks.config.sections import Config
from genometracks.config.sheet import resolve_runs
from genometracks.errors import UserError

MINIMAL = {"genome": {"fasta": "g.fa"}, "model": {"weights": "m.safetensors"}}
PAIR = {"name": "p", "treatment": [{"where": "a == 1"}], "control": [{"where": "a == 2"}]}
FULL = {
    **MINIMAL,
    "output": {"pairs": [PAIR], "aggregate": {"by": "assay"}, "tracks": [{"where": "a == 1"}]},
    "evaluation": {
        "observed": [{"track": "t", "bigwig": "o.bw", "transform": {}, "aliases": {"a": "b"}}],
        "sites": [{"track": "t", "file": "s.bed", "within": {"file": "g.bed"}}],
        "held_out": [{"contig": "c", "start": 0, "end": 5}],
    },
}
"""A config with an item in every list of sections."""


def place(key: str, value: object) -> dict:
    """`FULL` with a value at a key of `list_keys`."""
    config = copy.deepcopy(FULL)
    section = config
    *steps, last = key.split(".")
    for step in steps:
        section = section.setdefault(step.removesuffix("[]"), [{}] if step.endswith("[]") else {})
        section = section[0] if isinstance(section, list) else section
    section[last] = value
    return config


def list_types(schema: dict) -> set[str]:
    types = schema.get("type", [])
    return {types} if isinstance(types, str) else set(types)


TEXTS = [key for key, schema in list_keys() if "string" in list_types(schema)]
LISTS = [key for key, schema in list_keys() if "array" in list_types(schema)]
NUMBERS = [key for key, schema in list_keys() if {"integer", "number"} & list_types(schema)]


def test_the_keys_are_those_of_the_schema():
    assert len(TEXTS) >= 20 and len(NUMBERS) >= 12 and "prediction.device" in TEXTS
    assert {"output.pairs[].pseudocount", "shards", "prediction.trim"} <= set(NUMBERS)


@pytest.mark.parametrize("character", ["\n", "\0", "\x1b", "\x7f", "\x85", "\u2028", "\ud800"])
@pytest.mark.parametrize("key", [*TEXTS, "model.architecture.model_type", *LISTS])
def test_a_text_with_a_control_character_is_refused(key, character):
    if key.endswith("where") and character == "\n":
        return  # below
    value = f"cpu{character}"
    config = place(key, [value] if key in LISTS else value)
    where = key.replace("[]", "[0]") + ("[0]" if key in LISTS else "")
    message = f"^config: {re.escape(where)}: .* has the character U\\+{ord(character):04X}: remove"
    with pytest.raises(UserError, match=message) as caught:
        resolve_config(config)
    assert str(caught.value).isprintable()


def test_a_filter_may_be_on_several_lines():
    where = 'assay == "ATAC"\n\tand tissue == "heart"\n'
    config = resolve_config({**MINIMAL, "output": {"tracks": [{"where": where}]}})
    assert config["output"]["tracks"] == [{"where": where}]
    with pytest.raises(UserError, match=r"tracks\[0\].where: .* has the character U\+001B"):
        resolve_config({**MINIMAL, "output": {"tracks": [{"where": "a\x1b"}]}})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("key", [*NUMBERS, "model.architecture.channel_mult"])
def test_a_number_that_is_not_finite_is_refused(key, value):
    where = re.escape(key.replace("[]", "[0]"))
    with pytest.raises(UserError, match=f"^config: {where}: {value} is not a finite number"):
        resolve_config(place(key, value))


@pytest.mark.parametrize("value", [10**30, -(10**30), 10**5000], ids=["30", "-30", "5000"])
@pytest.mark.parametrize("key", NUMBERS)
def test_a_huge_number_is_refused(key, value):
    where = re.escape(key.replace("[]", "[0]"))
    with pytest.raises(UserError, match=f"^config: {where}: the number has too many digits"):
        resolve_config(place(key, value))


@pytest.mark.parametrize("key", NUMBERS)
def test_the_largest_whole_number_is_refused_or_kept(key):
    try:
        Config.of(resolve_config(place(key, 2**63 - 1)))
    except UserError as error:
        assert "is greater than the maximum of" in str(error)
    else:
        assert key.rpartition(".")[2] in ("pseudocount", "divide"), "a float holds it"


@pytest.mark.parametrize("key", [key for key in NUMBERS if key.rpartition(".")[2] != "pseudocount"])
def test_a_float_is_no_whole_number(key):
    if key.endswith("divide"):
        return
    with pytest.raises(UserError, match="is not of type 'integer'"):
        resolve_config(place(key, 1000.0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({1: 2}, "the file: the key 1 is not text: put it in quotes"),
        (
            place("evaluation.observed[].aliases", {1: "chr1"}),
            "evaluation.observed[0].aliases: the key 1 is not text: put it in quotes",
        ),
        (
            {"model": {"weights": "m", "architecture": {"a": {2}}}},
            "model.architecture.a: {2} is a set: put it in quotes",
        ),
        ({"run": b"x"}, "run: b'x' is a bytes: put it in quotes"),
        ({"run\x1b": 1}, "the file: 'run\\x1b' has the character U+001B: remove it"),
        ({"run": "x" * 201}, f"run: '{'x' * 49}...{'x' * 19}' is too long"),
        ({"run": 5 * "x" * 200 + "/"}, f"run: '{'x' * 49}...{'x' * 18}/' does not match"),
        ({"run": ".."}, "run: '..' does not match"),
        ({"run": ".snakemake"}, "run: '.snakemake' does not match"),
        ({"run": "a "}, "run: 'a ' does not match"),
        ({"prediction": {"device": "cuda:99999"}}, "prediction.device: 'cuda:99999' does not"),
        ({"prediction": {"device": "cpu; rm x"}}, "prediction.device: 'cpu; rm x' does not match"),
    ],
)
def test_a_value_that_is_not_plain_names_its_key(change, message):
    with pytest.raises(UserError, match=f"^config: {re.escape(message)}"):
        resolve_config({**MINIMAL, **change})


def test_shared_parts_are_counted_as_often_as_they_occur():
    bomb: object = [1] * 9
    for _ in range(8):
        bomb = [bomb] * 9
    config = {**MINIMAL, "model": {"weights": "m", "architecture": {"a": bomb}}}
    message = r"^config: model.architecture.a: more than 1,000,000 values or 100 levels"
    with pytest.raises(UserError, match=message):
        resolve_config(config)
    with pytest.raises(UserError, match=message):
        resolve_runs({**config, "runs": "runs.tsv"})


def test_a_part_that_contains_itself_is_refused():
    loop: dict = {}
    loop["tracks"] = [loop]
    with pytest.raises(UserError, match=r"^config: output.tracks\[0\]: more than 1,000,000 values"):
        resolve_config({**MINIMAL, "output": loop})


def test_deep_nesting_is_refused():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(UserError, match=r"^config: shards\[0\]\[0\]: more than"):
        resolve_config({**MINIMAL, "shards": deep})
    while deep:  # Python's own deletion would be recursive
        deep = deep.pop()


BOMB = "x0: &x0 [1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"x{i}: &x{i} [{','.join([f'*x{i - 1}'] * 9)}]\n" for i in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"shards: 1\nshards: 2\n", ":2: not YAML: key 'shards' is given twice: correct this line"),
        (b"shards: " + b"9" * 5000, ":1: not YAML: not a usable value: Exceeds the limit"),
        (b"shards: " + b"[" * 3000, ":1: not YAML: more than 100 levels of nested lists"),
        (b"output: &a {tracks: [*a]}\n", ":1: not YAML: an alias refers to a list or mapping"),
        (BOMB.encode(), ":7: not YAML: more than 1,000,000 values, with every alias replaced"),
        (b'results: "a\\0b"\n\0', ": not YAML: "),
        ("run: a".encode("utf-16"), ": not text in UTF-8: check that it is the config"),
        (b"run: !!python/object/apply:os.getcwd []", ":1: not YAML: could not determine a constr"),
        (b" " * ((1 << 24) + 1), ": more than 16,777,216 bytes: check that it is the config"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_hostile_file_is_one_error(tmp_path, text, message):
    path = tmp_path / "c.yaml"
    path.write_bytes(text)
    with pytest.raises(UserError, match=f"^{re.escape(f'{path}{message}')}") as caught:
        read_config(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=f"^{re.escape(f'{path}{message}')}"):
        check_config_files([path])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"shards": 1, "shards": 2}', ": not JSON: key 'shards' is given twice: correct it"),
        ('{"shards": ' + "9" * 5000 + "}", ": not JSON: Exceeds the limit"),
        ("[" * 100_000, ": not JSON: maximum recursion depth exceeded"),
        ('{"run": "\\ud800"}', ": not JSON: 'utf-8' codec can't encode character"),
        ("{", ": not JSON: Expecting property name"),
    ],
    ids=lambda value: value[:20],
)
def test_a_hostile_json_file_is_one_error(tmp_path, text, message):
    path = tmp_path / "c.json"
    path.write_text(text)
    with pytest.raises(UserError, match=f"^{re.escape(f'{path}{message}')}"):
        read_config(path)
    path.write_text('{\n\t"shards":\t4\n}')
    assert read_config(path) == {"shards": 4}


def test_a_template_is_refused(tmp_path):
    """Snakemake has executed it by then: the error says so."""
    path = tmp_path / "c.yaml"
    path.write_text("__use_yte__: true\n")
    with pytest.raises(UserError, match="c.yaml: __use_yte__: Snakemake executes Python in such"):
        check_config_files([path])
