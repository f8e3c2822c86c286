"""All errors of a config, of its files and of a sheet are found together, without repetitions."""

import pytest

from genometracks.config.resolve import ConfigError, check_config_files, resolve_config
from genometracks.config.sheet import resolve_runs
from genometracks.errors import UserError
from genometracks.graph.runs import read_run, read_runs
from toys import write_fasta, write_model

MINIMAL = {"genome": {"fasta": "g.fa"}, "model": {"weights": "m.safetensors"}}
HEAD = "run\tmodel\tgenome"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def errors_of(given: object, read=resolve_config) -> list[str]:
    with pytest.raises(UserError) as caught:
        read(given)
    assert all(line.isprintable() for line in caught.value.messages)
    return str(caught.value).split("\n")


def test_keys_values_and_contradictions_are_listed_together():
    given = {
        "genome": {"fasta": "g.fa", "contigs": []},
        "model": {"weights": "m", "window": "big", "sha256": "0"},
        "shard": 3,
        "zzz": 1,
        "prediction": {"trim": -1, "device": "cpu\x1b", "shifts": [0, 0.5]},
        "output": {"pairs": [{"name": "p", "treatment": ["a"]}]},
        "evaluation": {
            "held_out": [{"contig": "a", "start": 5, "end": 5}, {"contig": 3}],
            "sites": [{"track": "t", "file": "s.bed", "shift": 0}],
        },
    }
    found = errors_of(given)
    assert [line.split(" is ")[0].split(" does ")[0][:60] for line in found] == [
        "config: prediction.device: 'cpu\\x1b' has the character U+001",
        "config: unknown key 'shard': did you mean 'shards'?",
        "config: unknown key 'zzz': valid keys here are run, results,",
        "config: evaluation.held_out[1].start",
        "config: evaluation.held_out[1].end",
        "config: output.pairs[0].control",
        "config: evaluation.held_out[1].contig: 3",
        "config: genome.contigs: [] should be non-empty",
        "config: model.sha256: '0'",
        "config: model.window: 'big'",
        "config: prediction.shifts[1]: 0.5",
        "config: prediction.trim: -1",
        "config: evaluation.held_out[0]: end must be greater than sta",
        "config: evaluation.sites[0].shift: must not be 0: the contro",
    ]


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        (
            {**MINIMAL, "genome": {"fast": "g.fa"}},
            ["config: unknown key 'genome.fast': did you mean 'genome.fasta'?"],
        ),
        (
            {"model": {"weights": "m"}, "fasta": "g.fa"},
            ["config: unknown key 'fasta': did you mean 'genome.fasta'?"],
        ),
        (
            {**MINIMAL, "activation": "exp"},
            ["config: unknown key 'activation': did you mean 'model.activation'?"],
        ),
        (
            {**MINIMAL, "output": {"tracks": [{"wher": "x"}]}},
            ["config: unknown key 'output.tracks[0].wher': did you mean 'output.tracks[0].where'?"],
        ),
        (
            {**MINIMAL, "run": "a/" + "x" * 300},
            [
                f"config: run: 'a/{'x' * 47}...{'x' * 19}' does not match "
                "^[A-Za-z0-9][A-Za-z0-9._-]*$"
            ],
        ),
        (
            {**MINIMAL, "genome": {"fasta": b"g.fa"}},
            ["config: genome.fasta: b'g.fa' is a bytes: put it in quotes"],
        ),
        (
            {**MINIMAL, "genome": {1: "g.fa", "fasta": "g.fa"}},
            ["config: genome: the key 1 is not text: put it in quotes"],
        ),
        ([], ["config: the file: [] is not of type 'object'"]),
        (
            {**MINIMAL, "evaluation": {"sites": 3}},
            ["config: evaluation.sites: 3 is not of type 'array'"],
        ),
    ],
)
def test_one_mistake_is_one_error(given, lines):
    assert errors_of(given) == lines


def test_what_is_missing_without_a_typo_is_still_named():
    found = errors_of({"genome": {}, "shard": 1})
    assert [line[:45] for line in found] == [
        "config: unknown key 'shard': did you mean 'sh",
        "config: model is missing: The model and its w",
        "config: genome.fasta is missing: FASTA file, ",
    ]


def test_a_flood_of_errors_is_cut():
    found = errors_of({**MINIMAL, **{f"key{i}": i for i in range(50_000)}})
    assert len(found) == 21 and found[-1] == "and 980 more errors: correct these first"


def test_missing_files_are_named_with_wrong_keys(folder):
    given = {**MINIMAL, "shard": 3, "genome": {"fasta": "g.fa", "blacklist": "b.bed"}}
    lines = [
        "config: unknown key 'shard': did you mean 'shards'?",
        "g.fa: no such file: check genome.fasta",
        "b.bed: no such file: check genome.blacklist",
        "m.safetensors: no such weights file: check model.weights (a path, or repo@revision:file)",
    ]
    assert errors_of(given, read_runs) == lines
    assert errors_of(given, read_run) == lines
    del given["shard"]
    assert errors_of(given, read_runs) == lines[1:]
    # A file whose key is wrong is not looked for, nor are lists in which something is wrong.
    given["genome"]["blacklist"] = 3
    given["evaluation"] = {"observed": [{"track": "t", "bigwig": "o.bw"}, {"track": "t"}]}
    found = errors_of(given, read_runs)
    assert [line.partition(":")[0] for line in found] == ["config"] * 2 + ["g.fa", "m.safetensors"]


def test_the_model_is_asked_only_when_the_rest_is_right(folder):
    write_model(folder, name="m")
    write_fasta(folder / "g.fa", {"a": "ACGT"})
    given = {**MINIMAL, "output": {"tracks": ["four"]}, "shards": 0}
    assert errors_of(given, read_runs) == ["config: shards: 0 is less than the minimum of 1"]
    del given["shards"]
    (line,) = errors_of(given, read_runs)
    assert "'four'" in line


def test_all_lines_of_a_sheet_are_read(folder):
    write_model(folder, name="m")
    write_fasta(folder / "g.fa", {"a": "ACGT"})
    (folder / "runs.tsv").write_text(
        f"{HEAD}\tprediction.trim\toutput.aggregate\n"
        "a\tm.safetensors\tg.fa\tx\t[b\n"
        "b\tn.ckpt\tg.fa\t\t\n"
        "B\tn.ckpt\th.fa\t-1\t\n"
        "\tm.safetensors\tg.fa\t\t\n"
        "c\tm.safetensors\t\t\t\n"
        "d\tm.safetensors\tg.fa\tx\t\n"
    )
    found = errors_of({"runs": "runs.tsv"}, read_runs)
    assert [line.partition(": FASTA")[0] for line in found] == [
        "runs.tsv:2: column output.aggregate: '[b' cannot be read: correct it",
        "runs.tsv:2: prediction.trim: 'x' is not of type 'integer' (also in runs.tsv:7)",
        "runs.tsv:4: prediction.trim: -1 is less than the minimum of 0",
        "runs.tsv:5: column run is empty: name the run",
        "runs.tsv:6: genome.fasta is missing",
        "runs.tsv:4: h.fa: no such file: check genome.fasta",
        "runs.tsv:4: n.ckpt: no such weights file: check model.weights (a path, or "
        "repo@revision:file) (also in runs.tsv:3)",
    ]


def test_an_error_of_the_config_is_listed_once_for_all_lines(folder):
    (folder / "runs.tsv").write_text(f"{HEAD}\n" + "".join(f"r{i}\tm\tg.fa\n" for i in range(40)))
    found = errors_of({"runs": "runs.tsv", "run": "a", "shard": 1}, resolve_runs)
    assert found == [
        "config: run: the sheet's column run names the runs: remove this key",
        "runs.tsv:2: unknown key 'shard': did you mean 'shards'? (also in 39 more lines)",
    ]


def test_all_columns_of_a_header_and_then_the_lengths_of_its_lines_are_checked(folder):
    (folder / "runs.tsv").write_text("model\tresults\ttrim\tmodel.weights\na\tb\n")
    assert errors_of({"runs": "runs.tsv"}, resolve_runs) == [
        "runs.tsv:1: column 'results': all runs share it: set it in the config",
        "runs.tsv:1: column 'trim' is not a key of the config: use run, model, genome or a key",
        "runs.tsv:1: column 'model.weights' is given twice: remove one",
        "runs.tsv:1: there is no column 'run': add it, it names the runs",
    ]
    (folder / "runs.tsv").write_text("ruun\tmodel\tgenome\na\tb\n")
    assert errors_of({"runs": "runs.tsv"}, resolve_runs) == [
        "runs.tsv:1: column 'ruun' is not a key of the config: did you mean 'run'?"
    ]
    (folder / "runs.tsv").write_text(f"{HEAD}\na\tb\nc\n")
    assert errors_of({"runs": "runs.tsv"}, resolve_runs) == [
        "runs.tsv:2: 2 columns, the header has 3",
        "runs.tsv:3: 1 columns, the header has 3",
    ]


def test_the_sound_part_of_a_config_is_resolved(folder):
    with pytest.raises(ConfigError) as caught:
        resolve_config({**MINIMAL, "shard": 1, "prediction": {"trim": -1, "blend": 2}})
    (config,) = caught.value.sound.values()
    assert config["prediction"]["trim"] == 0 and config["prediction"]["blend"] == 2
    with pytest.raises(ConfigError) as caught:
        resolve_config({"genome": {}, "model": {"weights": "m"}})
    assert caught.value.sound == {}


def test_all_config_files_are_read(folder):
    (folder / "a.yaml").write_text("run: [\n")
    (folder / "b.yaml").write_text("__use_yte__: true\n")
    lines = errors_of([folder / "a.yaml", folder / "b.yaml"], check_config_files)
    assert len(lines) == 2 and ": not YAML: " in lines[0] and "b.yaml: __use_yte__: " in lines[1]
