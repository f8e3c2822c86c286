"""Any text of a config or of a sheet of runs gives runs, or one error."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fuzz_text import examples, mutated, outcome
from genometracks.config.resolve import read_config
from genometracks.config.schema import list_keys
from genometracks.config.sheet import resolve_runs
from genometracks.graph.runs import place_runs
from toys import write_fasta, write_model

CONFIG = b"""\
run: a
results: out
genome: {fasta: g.fa, sha256: null, name: toy, contigs: ["chr*", other], regions: r.bed}
model:
  weights: m.safetensors
  window: auto
  activation: exp
prediction: {batch_size: 4, precision: fp32, trim: 8, blend: 2, shifts: [0, 1], device: cpu}
output:
  tracks: [one, "t*", 2, {where: 'assay == "ATAC"'}]
  aggregate: {by: assay, of: mean}
  pairs: [{name: p, of: ratio, treatment: [0], control: [1], pseudocount: 1.0}]
shards: 3
evaluation:
  observed: &o [{track: one, bigwig: o.bw, transform: {divide: 2.5, log: true}, aliases: {a: b}}]
  sites: [{track: one, file: r.bed, at: 5', strand: '-', within: {file: r.bed}, shift: -1}]
  held_out: [{contig: chr1, start: 0, end: 100}]
  locus_width: 5000
"""
SHEET = b"""\
# runs
run\tmodel\tgenome\tprediction.trim\tgenome.contigs\toutput.aggregate\tprediction.shifts
a\tm.safetensors\tg.fa\t4\t[a, 'b*']\tnull\t[-1, 1]
b.2\t[m.safetensors, m.safetensors]\tg.fa\t\t\t{by: assay}\t
"""


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """A folder with the files that the texts name; tests run in it."""
    folder = tmp_path_factory.mktemp("configs")
    write_fasta(folder / "g.fa", {"chr1": "ACGT" * 50})
    write_model(folder, name="m")
    for name in ("r.bed", "o.bw"):
        (folder / name).write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


def place(path: Path) -> object:
    """All that is done with a config before anything runs."""
    config = read_config(path)
    return place_runs(resolve_runs(config), sheet=bool(config.get("runs")))


def test_the_valid_texts_give_runs():
    Path("c.yaml").write_bytes(CONFIG)
    assert list(place(Path("c.yaml"))) == ["a"]
    Path("runs.tsv").write_bytes(SHEET)
    assert len(resolve_runs({"runs": "runs.tsv"})) == 2


@examples(150)
@given(mutated(CONFIG), st.sampled_from(["c.yaml", "c.json"]))
def test_a_changed_config(data, name):
    Path(name).write_bytes(data)
    outcome(lambda: place(Path(name)))


KEYS = [key.replace("[]", "").split(".") for key, _ in list_keys()]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers() | st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["auto", "g.fa", "m.safetensors", "a/b@c:d", "http://h/x?a=b", "../x", "*"]),
    st.dates(),
)
VALUES = st.recursive(
    ODD,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([step for key in KEYS for step in key]) | st.text(max_size=3) | ODD,
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@examples(200)
@given(st.lists(st.tuples(st.sampled_from(KEYS), VALUES), min_size=1, max_size=4))
def test_a_config_of_odd_values(changes):
    """Through the records, as the config arrives from Snakemake."""
    config = yaml.safe_load(CONFIG)
    for steps, value in changes:
        section = config
        for step in steps[:-1]:
            section = section.setdefault(step, {}) if isinstance(section, dict) else section
            section = section[0] if isinstance(section, list) and section else section
        if isinstance(section, dict):
            section[steps[-1]] = value
    outcome(lambda: place_runs(resolve_runs(config), sheet=bool(config.get("runs"))))


@examples(150)
@given(mutated(SHEET))
def test_a_changed_sheet(data):
    Path("runs.tsv").write_bytes(data)
    config = {"runs": "runs.tsv", "prediction": {"trim": 2}}
    for run in outcome(lambda: resolve_runs(config)) or ():
        json.dumps(run.config)
