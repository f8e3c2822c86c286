"""`genometracks init`: a config that resolves, with what was found out about its files."""

import os
import re
from pathlib import Path

import pytest
import yaml

from bpnet_files import write_torch
from genometracks.cli import main
from genometracks.config.resolve import resolve_config
from genometracks.config.schema import list_keys
from genometracks.config.sections import Config
from genometracks.graph.runs import read_run
from genometracks.starter.config_text import name_run
from grelu_models.checkpoint import load
from grelu_models.models.bpnet import BPNet
from spliceai_files import write_keras2
from toys import STRANDED, random_bases, write_checkpoint, write_fasta, write_model


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_fasta(tmp_path / "g.fa", {"chr1": random_bases(300, seed=0), "chr2": "ACGT"})
    return tmp_path


def init(capsys, *words: str) -> tuple[Config, str, str]:
    """Run the command: the resolved config, its text, and what was printed."""
    assert main(["init", *words]) == 0, capsys.readouterr().err
    path = words[0] if words and words[0].endswith(".yaml") else "my_run.yaml"
    text = Path(path).read_text()
    return Config.of(resolve_config(yaml.safe_load(text))), text, capsys.readouterr().out


def fail(capsys, *words: str) -> list[str]:
    before = sorted(os.listdir())
    assert main(["init", *words]) == 1
    assert sorted(os.listdir()) == before
    return capsys.readouterr().err.splitlines()


def test_a_config_has_what_was_found_out(folder, capsys):
    write_model(folder, name="m")
    words = ["a b.yaml", "--fasta", "g.fa", "--weights", "m.safetensors"]
    config, text, printed = init(capsys, *words)
    assert config.run == "a_b" and config.genome.fasta == "g.fa"
    assert config.model.weights == "m.safetensors" and config.prediction.stride is None
    assert printed == (
        "a b.yaml is written; it has what was found out:\n"
        "  genome    g.fa: plain FASTA, 344 B, read whole\n"
        "            2 contigs, 304 bp: chr1, chr2\n"
        "  model     ConvModel, described by m.yaml beside the weights\n"
        "            96 bp in, 18 bins of 4 bp out (measured)\n"
        "            3 tracks: one, two/../etc, three\n"
        "  strands   prediction.reverse_complement is possible; the model then runs twice for "
        "each window\n"
        "  columns   assay (2: ChIP, ATAC); description (2: first, second)\n"
        "  next      genometracks preflight 'a b.yaml'   what the run will take\n"
        "            genometracks run 'a b.yaml'\n"
    )
    assert "  # Found: 2 contigs, 304 bp: chr1, chr2\n  fasta: g.fa\n" in text
    assert max(map(len, text.splitlines())) <= 100
    descriptions = {key: schema["description"] for key, schema in list_keys()}
    shown = " ".join(text.replace("#", "").split())
    for key in ("genome.fasta", "model.weights", "prediction.trim", "output.tracks", "shards"):
        assert descriptions[key] in shown
    read_run(yaml.safe_load(text))


def test_every_key_of_the_text_is_at_its_default_or_was_found_out(folder, capsys):
    write_model(folder, name="m")
    config, *_ = init(capsys, "--fasta", "g.fa", "--weights", "m.safetensors")
    minimal = {"genome": {"fasta": "g.fa"}, "model": {"weights": "m.safetensors"}}
    assert config.plain == resolve_config({**minimal, "run": "my_run"})


def test_a_commented_key_can_be_set_by_removing_its_mark(folder, capsys):
    _, text, _ = init(capsys)
    for mark in ("# annotation", "# architecture", "#   model_type", "#   n_tasks"):
        text = text.replace(f"  {mark}", f"  {mark[2:]}")
    text = re.sub("^# (evaluation|  observed|    - {track)", r"\1", text, flags=re.M)
    config = Config.of(resolve_config(yaml.safe_load(text)))
    assert config.model.architecture == {"model_type": "ConvModel", "n_tasks": 1}
    assert config.evaluation.observed[0].track == "NAME" and config.genome.annotation is None


def test_placeholders_are_refused_by_the_run(folder, capsys):
    config, _, printed = init(capsys)
    assert config.genome.fasta == "path/to/genome.fa"
    assert config.model.weights == "path/to/weights.ckpt"
    assert "  fill in   path/to/genome.fa: no such file: check genome.fasta\n" in printed
    assert main(["preflight", "my_run.yaml"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "genometracks preflight: path/to/genome.fa: no such file: check genome.fasta",
        "genometracks preflight: path/to/weights.ckpt: no such weights file: check model.weights "
        "(a path, or repo@revision:file)",
    ]


def test_a_file_is_never_overwritten(folder, capsys):
    (folder / "my_run.yaml").write_text("mine")
    (line,) = fail(capsys)
    assert line == (
        "genometracks init: my_run.yaml: exists already: name another config, or move this one away"
    )
    assert (folder / "my_run.yaml").read_text() == "mine"
    (folder / "b.yaml").symlink_to("nowhere")
    assert "b.yaml: exists already" in fail(capsys, "b.yaml")[0]


def test_all_that_is_wrong_is_one_error_and_nothing_is_written(folder, capsys):
    words = ["--fasta", "no.fa", "--weights", "no.ckpt", "--annotation", "no.gff"]
    assert fail(capsys, *words) == [
        "genometracks init: no.fa: cannot be read: No such file or directory: check --fasta",
        "genometracks init: no.ckpt: no such weights file: check model.weights (a path, or "
        "repo@revision:file)",
        "genometracks init: no.gff: no such file: check --annotation",
    ]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["a.json"], "a.json: a config is YAML: name it a.yaml"),
        (["--weights", "m.safetensors", "a.yaml"], "a.yaml: not weights: write the name of the c"),
        (
            ["m.yml", "--weights", "m.safetensors"],
            "m.yml: this name beside m.safetensors is that of a description of the weights: name",
        ),
        (
            ["--fasta", "http://[::1/a"],
            "http://***/a: its host or port is not valid: check genome.fasta",
        ),
        (["--weights", "g.fa"], "g.fa: no readable weights: neither safetensors, Keras nor torch"),
    ],
)
def test_wrong_words_are_one_error(folder, capsys, words, line):
    write_model(folder, name="m")
    (found,) = fail(capsys, *words)
    assert found.startswith(f"genometracks init: {line}")


def test_an_address_is_left_to_the_run(folder, capsys):
    config, _, printed = init(capsys, "--fasta", "https://me:pw1@lab.org/g.fa?key=k2y")
    assert config.genome.fasta == "https://me:pw1@lab.org/g.fa?key=k2y"
    assert "the run downloads it" in printed and "pw1" not in printed and "k2y" not in printed


def test_an_annotation_goes_into_the_config(folder, capsys):
    (folder / "genes.gff3").write_text("")
    config, text, _ = init(capsys, "--fasta", "g.fa", "--annotation", "genes.gff3")
    assert config.genome.annotation == "genes.gff3" and "\n  annotation: genes.gff3\n" in text


def test_scaffolds_are_left_out_of_many_contigs(folder, capsys):
    contigs = {"chr1": "ACGT" * 300, "chrX": "ACGT" * 300}
    write_fasta(folder / "g.fa", {**contigs, **{f"chrUn_{i}": "ACGT" for i in range(50)}})
    config, text, printed = init(capsys, "--fasta", "g.fa")
    assert config.genome.contigs == ("chr[0-9]", "chrX")
    line = 'chr[0-9], chrX: 2 of 52 contigs, with 92.3% of the bases; scaffolds are left out, ["*"]'
    assert line in printed and "# Found: chr[0-9], chrX: 2 of 52 contigs" in text


def test_a_model_of_one_value_gets_a_stride(folder, capsys):
    write_model(folder, name="m", final_pool_func="avg", tracks=STRANDED)
    config, _, printed = init(capsys, "--fasta", "g.fa", "--weights", "m.safetensors")
    assert config.prediction.stride == 8
    assert "  stride    8 bp, because the model gives one value a window\n" in printed
    assert "96 bp in, one value out (measured)" in printed


def test_weights_that_describe_nothing_leave_an_architecture_to_fill_in(folder, capsys):
    weights = write_model(folder, name="m")
    weights.with_suffix(".yaml").unlink()
    words = ["c.yaml", "--fasta", "g.fa", "--weights", "m.safetensors"]
    config, text, printed = init(capsys, *words)
    assert config.model.architecture is None
    assert "  fill in   model.architecture: the model_type and its options\n" in printed
    assert "ConvModel, DilatedConvModel" in text and "SpliceAI" in text
    assert main(["preflight", "c.yaml"]) == 1
    assert "the architecture is not known: give model.architecture" in capsys.readouterr().err


def test_an_unknown_window_is_left_to_fill_in(folder, capsys):
    weights = write_model(folder, name="m")
    described = yaml.safe_load(weights.with_suffix(".yaml").read_text())
    del described["window"]
    weights.with_suffix(".yaml").write_text(yaml.safe_dump(described))
    _, text, printed = init(capsys, "--weights", "m.safetensors")
    assert "model.window: the weights do not state it: set it" in printed
    assert "# Found: the weights do not state it: set it\n  window: null\n" in text


def test_a_large_model_is_not_loaded(folder, capsys, monkeypatch):
    write_model(folder, name="m")
    monkeypatch.setattr("genometracks.starter.model.WORK", 1)
    monkeypatch.setattr("grelu_models.checkpoint.load", None)
    _, text, printed = init(capsys, "--weights", "m.safetensors")
    line = "96 bp in; bins: the run measures them, the model is large"
    assert line in printed and line in text and "\n  stride: null\n" in text


def test_folds_are_listed_and_compared(folder, capsys):
    for name in ("a", "b"):
        write_model(folder, name=name)
    config, text, printed = init(capsys, "--weights", "a.safetensors", "b.safetensors")
    assert config.model.weights == ("a.safetensors", "b.safetensors")
    assert "a.yaml beside the weights, 2 folds\n" in printed and "\n  sd: false\n" in text
    write_model(folder, name="c", tracks=STRANDED)
    (line,) = fail(capsys, "x.yaml", "--weights", "a.safetensors", "c.safetensors")
    assert "a.safetensors and c.safetensors have other tracks: give folds of one model" in line


def test_a_checkpoint_states_itself(folder, capsys):
    write_checkpoint(folder / "m.ckpt")
    _, text, printed = init(capsys, "--weights", "m.ckpt")
    assert "ConvModel, which the weights state" in printed
    assert "# Found: the weights state sigmoid\n  activation: null\n" in text


def test_known_programs_are_recognised_by_their_tensors(folder, capsys):
    write_keras2(folder / "s.h5", 80)
    config, _, printed = init(capsys, "run1.yaml", "--weights", "s.h5")
    assert config.model.architecture == {"model_type": "SpliceAI"}
    assert "SpliceAI, recognised by the names of its tensors: check it" in printed
    assert "scale: probability" in printed
    assert "is not possible: each track of SpliceAI belongs to one strand" in printed
    write_torch(folder / "b.pt", BPNet(n_filters=2, n_layers=3, n_outputs=2).state_dict())
    config, *_ = init(capsys, "run2.yaml", "--weights", "b.pt")
    assert config.model.architecture == {"model_type": "BPNet"}
    assert load("b.pt", architecture=config.model.architecture)[1].geometry.window == 2114


HOSTILE = [
    "a: b",
    "#x",
    'it\'s "quoted"',
    "- a",
    "-x",
    "{a: &b [*b]}",
    "!!python_object_apply:os.system",
    "naïve 基因",
    "null",
    "1e3",
    "<<",
    "a\u00a0b",
    "%",
    "\\n",
    "@x",
    "`x`",
    " a ",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_of_files_are_quoted(folder, capsys, name):
    write_fasta(folder / name, {"a": "ACGT"})
    weights = write_model(folder, name="m")
    weights.rename(folder / f"{name}.safetensors")
    (folder / "m.yaml").rename(folder / f"{name}.yaml")
    (folder / f"{name}.gff").write_text("")
    given = [f"--fasta=./{name}", "--weights", f"./{name}.safetensors"]
    config, *_ = init(capsys, "c.yaml", *given, f"--annotation=./{name}.gff")
    assert config.genome.fasta == f"./{name}" and config.model.weights == f"./{name}.safetensors"
    assert config.genome.annotation == f"./{name}.gff"
    folds = [f"./{name}.safetensors"] * 2
    config, *_ = init(capsys, "d.yaml", "--weights", *folds)
    assert config.model.weights == tuple(folds)


@pytest.mark.parametrize("name", ["a\nruns: x", "a\x1b[2J", "a\u2028b"])
def test_a_file_name_that_no_config_holds_is_one_error(folder, capsys, name):
    write_fasta(folder / name, {"a": "ACGT"})
    (line,) = fail(capsys, f"--fasta=./{name}")
    assert "config: genome.fasta: './a" in line and "has the character U+" in line


def test_hostile_names_of_contigs_and_tracks_stay_in_comments(folder, capsys):
    names = [*HOSTILE, "x" * 500, "a\tb", "z", "\u2028runs: x", "\x85run: x"]
    contigs = [re.sub(r"\s", "_", name) for name in HOSTILE]
    write_fasta(folder / "g.fa", dict.fromkeys(contigs, "ACGT"))
    rows = [
        {"name": re.sub("[\x00-\x1f\x7f]", "", name), "assay\n: x": f"{name}\n\nrun: evil"}
        for name in names
    ]
    write_model(folder, name="m", tracks=rows, n_tasks=len(rows))
    config, text, printed = init(capsys, "--fasta", "g.fa", "--weights", "m.safetensors")
    minimal = {"genome": {"fasta": "g.fa"}, "model": {"weights": "m.safetensors"}}
    assert config.plain == resolve_config({**minimal, "run": "my_run"})
    assert all(line.isprintable() for line in [*text.split("\n"), *printed.split("\n")])
    assert len(printed) < 4000


def test_names_of_runs_are_those_of_folders():
    for stem in ("", ".", "..", "-", "a/b", "ä", "x" * 300, ".snakemake", "con fig"):
        name = name_run(stem)
        resolve_config({"genome": {"fasta": "g"}, "model": {"weights": "m"}, "run": name})
