"""The config: defaults, clear errors, valid examples."""

import json
import os
import re

import pytest

from genometracks.cli import main
from genometracks.common.records import as_plain, format_record, parse_record
from genometracks.config.folders import GenomeFolder, ModelFolder
from genometracks.config.resolve import resolve_config
from genometracks.config.sections import Config, Sites
from genometracks.config.settings import Source, list_folds
from genometracks.errors import UserError
from genometracks.graph.runs import place_run
from genometracks.graph.secret_addresses import export_addresses, hide_address
from genometracks.graph.settings import write_settings
from genometracks.graph.sources import find_sources
from genometracks.inputs.check import list_wrong_files
from toys import make_words, write_fasta, write_model

MINIMAL = {"genome": {"fasta": "g.fa"}, "model": {"weights": "m.safetensors"}}


def resolve(given: dict) -> Config:
    """The record of a resolved config."""
    return Config.of(resolve_config(given))


def test_a_minimal_config_gets_every_default():
    config = resolve_config(MINIMAL)
    assert config["run"] == "run" and config["shards"] == 4
    given = {"fasta": "g.fa", "sha256": None, "name": None, "contigs": ["*"]}
    assert config["genome"] == {**given, "regions": None, "blacklist": None}
    assert config["prediction"]["batch_size"] == "auto" and config["output"]["bigwig"] is True
    assert MINIMAL == {"genome": {"fasta": "g.fa"}, "model": {"weights": "m.safetensors"}}


def test_defaults_apply_inside_lists():
    observed = [{"track": "t", "bigwig": "o.bw"}]
    config = resolve_config({**MINIMAL, "evaluation": {"observed": observed}})
    assert config["evaluation"]["observed"][0]["transform"] == {
        "divide": 1.0,
        "pseudocount": 0.0,
        "log": False,
    }


def test_a_config_without_sites_is_what_it_was_before_there_were_any():
    """Otherwise, the jobs of finished runs would have other parameters."""
    evaluation = {"observed": [], "held_out": [], "locus_width": 50_000}
    assert resolve_config(MINIMAL)["evaluation"] == evaluation
    assert resolve_config({**MINIMAL, "evaluation": {"sites": []}})["evaluation"] == evaluation
    given = {**MINIMAL, "evaluation": {"sites": [{"track": "t", "file": "s.bed"}]}}
    (sites,) = resolve(given).evaluation.sites
    assert sites == Sites("t", "s.bed") and resolve(MINIMAL).evaluation.sites == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shard": 3}, "config: unknown key 'shard': did you mean 'shards'?"),
        (
            {"prediction": {"batchsize": 3}},
            "config: unknown key 'prediction.batchsize': did you mean 'prediction.batch_size'?",
        ),
        ({"stride": 3}, "config: unknown key 'stride': did you mean 'prediction.stride'?"),
        ({"zzz": 3}, "config: unknown key 'zzz': valid keys here are run, results, runs, genome"),
        ({"genome": {}}, "config: genome.fasta is missing: FASTA file, plain, gzip or bgzip"),
        (
            {"output": {"tracks": [{"wher": "x"}]}},
            "config: unknown key 'output.tracks[0].wher': did you mean 'output.tracks[0].where'?",
        ),
        (
            {"output": {"pairs": [{"name": "p", "treatment": ["a"]}]}},
            "config: output.pairs[0].control is missing: Tracks that these are compared with.",
        ),
        ({"output": {"tracks": [-1]}}, "config: output.tracks[0]: -1 is less than the minimum"),
        ({"prediction": {"shifts": [0.5]}}, "config: prediction.shifts[0]: 0.5 is not of type"),
        ({"model": {"weights": []}}, "config: model.weights: [] should be non-empty"),
        ({"shards": 0}, "config: shards: 0 is less than the minimum of 1"),
        ({"shards": "4"}, "config: shards: '4' is neither a whole number nor 'auto'"),
        ({"run": "../up"}, "config: run: '../up' does not match"),
        ({"prediction": {"precision": "fp8"}}, "config: prediction.precision: 'fp8' is not one of"),
        (
            {"evaluation": {"held_out": [{"contig": "c", "start": 5, "end": 5}]}},
            "config: evaluation.held_out[0]: end must be greater than start",
        ),
        (
            {"evaluation": {"observed": [{"track": "t"}]}},
            "config: evaluation.observed[0].bigwig is missing: bigWig file",
        ),
        (
            {"evaluation": {"sites": [{"track": "t", "file": "s.bed", "shift": 0}]}},
            "config: evaluation.sites[0].shift: must not be 0: the control would be the sites "
            "themselves",
        ),
        (
            {"evaluation": {"sites": [{"track": "t", "file": "s.bed", "at": "5"}]}},
            "config: evaluation.sites[0].at: '5' is not one of ['start', 'end', \"5'\"",
        ),
    ],
)
def test_an_invalid_config_names_key_and_fix(change, message):
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        resolve_config({**MINIMAL, **change})


def check_inputs(config) -> None:
    """Raise all that is wrong with a config's files as one error, as the workflow does."""
    wrong = list_wrong_files(config)
    if wrong:
        raise UserError(*wrong)


def test_inputs_are_checked_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path, name="m")
    write_fasta(tmp_path / "g.fa", {"a": "ACGT"})
    check_inputs(resolve(MINIMAL))
    folds = {"model": {"weights": ["m.safetensors", "n.ckpt"]}}
    with pytest.raises(UserError, match=r"^n.ckpt: no such file: check model.weights\[1\]$"):
        check_inputs(resolve({**MINIMAL, **folds}))
    observed = {"evaluation": {"observed": [{"track": "one", "bigwig": "o.bw"}]}}
    with pytest.raises(
        UserError, match=r"^o.bw: no such file: check evaluation.observed\[0\].bigwig"
    ):
        check_inputs(resolve({**MINIMAL, **observed}))
    sites = {"track": "one", "file": "g.fa", "within": {"file": "w.bed"}}
    within = r"w.bed: no such file: check evaluation.sites\[0\].within.file"
    both = rf"^s.bed: no such file: check evaluation.sites\[0\].file\n{within}$"
    for change, message in (({"file": "s.bed"}, both), ({}, f"^{within}$")):
        with pytest.raises(UserError, match=message):
            check_inputs(resolve({**MINIMAL, "evaluation": {"sites": [sites | change]}}))
    for key in ("regions", "blacklist"):
        genome = {"genome": {"fasta": "g.fa", key: "b.bed"}}
        with pytest.raises(UserError, match=rf"^b.bed: no such file: check genome.{key}"):
            check_inputs(resolve({**MINIMAL, **genome}))
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file: cannot be written to: change 'results'"):
        check_inputs(resolve({**MINIMAL, "results": "file/results"}))
    (tmp_path / "g.fa").unlink()
    with pytest.raises(UserError, match=r"^g.fa: no such file: check genome.fasta"):
        check_inputs(resolve(MINIMAL))


@pytest.mark.parametrize("key", ["genome.fasta", "genome.regions", "genome.blacklist"])
def test_a_wildcard_in_a_path_is_refused(tmp_path, monkeypatch, key):
    monkeypatch.chdir(tmp_path)
    write_fasta(tmp_path / "g.fa", {"a": "ACGT"})
    given = {"genome": {"fasta": "g.fa"}, "model": {"weights": "m.safetensors"}}
    section, _, last = key.rpartition(".")
    given[section][last] = "a {run} b"
    message = f"^a {{run}} b: {{run}} is a wildcard in Snakemake's paths: rename .* change {key}$"
    with pytest.raises(UserError, match=message):
        check_inputs(resolve(given))


def test_other_braces_in_paths_are_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_fasta(tmp_path / "g{}.fa", {"a": "ACGT"})
    check_inputs(resolve({**MINIMAL, "genome": {"fasta": "g{}.fa"}}))
    for results in ("a{run}", "{}", "a{", "}"):
        with pytest.raises(UserError, match=r"^[a{}run]+: Snakemake writes to no folder with brac"):
            check_inputs(resolve({**MINIMAL, "genome": {"fasta": "g{}.fa"}, "results": results}))


def test_a_path_that_cannot_exist_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for config, message in [
        ({**MINIMAL, "genome": {"fasta": "g" * 300}}, "^g{300}: File name too long: check genome."),
        (
            {**MINIMAL, "genome": {"fasta": "http://[::1/a"}},
            "^http://.*: its host or port is not v",
        ),
    ]:
        with pytest.raises(UserError, match=message):
            check_inputs(resolve(config))
    write_fasta(tmp_path / "g.fa", {"a": "ACGT"})
    with pytest.raises(UserError, match="^r{300}/run: File name too long: check results$"):
        check_inputs(resolve({**MINIMAL, "results": "r" * 300}))


def test_fetched_files_have_names_that_snakemake_takes_as_they_are(tmp_path):
    home = GenomeFolder(tmp_path), ModelFolder(tmp_path)
    for path, name in [("a{run}.fa", "a_run_.fa"), ("..", "genome"), ("", "genome"), ("b/", "b")]:
        config = {**MINIMAL, "genome": {"fasta": f"http://lab.org/{path}"}}
        assert find_sources(resolve(config), *home).fasta == str(home[0].source / name)


def test_jobs_get_addresses_without_secrets(tmp_path, monkeypatch):
    plain = resolve({**MINIMAL, "genome": {"fasta": "https://lab.org/g.fa"}})
    assert write_settings(plain, fasta="g.fa").source == (
        '{"fasta": "https://lab.org/g.fa", "sha256": null}'
    )
    assert json.loads(write_settings(plain, fasta="g.fa").config) == plain.plain
    address = "https://me:pw@lab.org/g.fa?token=abc"
    secret = resolve({**MINIMAL, "genome": {"fasta": address}})
    settings = write_settings(secret, fasta="g.fa")
    assert "pw" not in format_record(settings) and "abc" not in format_record(settings)
    source = parse_record(Source, settings.source)
    assert source.fasta == "https://***@lab.org/g.fa?***"
    monkeypatch.delenv(source.variable, raising=False)
    assert main(make_words("download", settings=as_plain(source), out=tmp_path / "g.fa")) == 1
    export_addresses([plain, secret])
    assert os.environ.pop(source.variable) == address
    other = resolve({**MINIMAL, "genome": {"fasta": address.replace("abc", "abd")}})
    assert hide_address(other.genome).variable != source.variable, "another query, another file"


def test_the_workflow_knows_its_files_before_it_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path, name="m")
    run = place_run(resolve({**MINIMAL, "shards": 11, "output": {"tracks": ["t*"]}}))
    (job,) = run.results.bigwigs
    assert job.files == ("results/run/bigwig/two_.._etc.bw", "results/run/bigwig/three.bw")
    shards = run.possible_shards
    assert shards[:2] == ["00", "01"] and shards[-1] == "10"


@pytest.mark.parametrize(
    ("model", "folds"),
    [
        ({"weights": "a"}, [("a", None)]),
        ({"weights": "a", "sha256": "0" * 64}, [("a", "0" * 64)]),
        ({"weights": ["a", "b"]}, [("a", None), ("b", None)]),
        ({"weights": ["a", "b"], "sha256": ["0" * 64, None]}, [("a", "0" * 64), ("b", None)]),
    ],
)
def test_folds_are_one_or_many_each_with_its_digest(model, folds):
    found = list_folds(resolve({**MINIMAL, "model": model}).model)
    assert [(fold.weights, fold.sha256) for fold in found] == folds


def test_one_digest_is_not_enough_for_many_folds():
    model = {"weights": ["a", "b"], "sha256": "0" * 64}
    with pytest.raises(UserError, match=r"^model.sha256: 1 digests for 2 model.weights: give one"):
        list_folds(resolve({**MINIMAL, "model": model}).model)


def test_settings_that_do_not_suit_the_tracks_are_refused_before_anything_runs(tmp_path):
    tracks = [{"name": "x+"}, {"name": "x-"}, {"name": "y"}]
    weights = str(write_model(tmp_path, name="m", tracks=tracks))
    config = {"genome": {"fasta": "g.fa"}, "model": {"weights": weights}}
    for change, problem in [
        ({"prediction": {"reverse_complement": True}}, r"x\+ and x- look like two strands"),
        (
            {"output": {"sd": True}},
            "output.sd: a standard deviation needs at least two folds, and there is one",
        ),
        ({"output": {"scale": "counts"}}, "output.scale: counts: track 'x\\+' has no 'scale'"),
    ]:
        with pytest.raises(UserError, match=problem):
            place_run(resolve({**config, **change}))
