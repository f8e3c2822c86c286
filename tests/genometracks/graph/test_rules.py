"""Values in the commands of rules are quoted, or cannot contain anything that a shell acts on."""

import re
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genometracks.config.resolve import resolve_config
from genometracks.config.sections import Config
from genometracks.config.stages import STAGES
from genometracks.errors import UserError
from genometracks.graph.runs import place_run
from toys import write_model

RULES = Path(__file__).parents[3] / "workflow" / "rules"


def test_only_safe_values_are_not_quoted():
    text = "".join(path.read_text() for path in RULES.glob("*.smk"))
    commands = "".join(re.findall(r'shell:\n((?: +".*"\n)+)', text))
    assert commands.count("genometracks ") == len(STAGES)
    plain = set(re.findall(r"{[a-z_.]+}", commands))
    assert plain == {
        "{params.device}",
        "{params.probe}",
        "{threads}",
        "{wildcards.shard}",
    }


@given(st.from_regex(r"\A(auto|cpu|cuda(:[0-9]*)?).{0,3}\Z", fullmatch=True) | st.text())
def test_a_device_is_one_word_for_a_shell(device):
    config = {"genome": {"fasta": "g.fa"}, "model": {"weights": "m"}}
    try:
        resolve_config({**config, "prediction": {"device": device}})
    except UserError:
        return
    assert re.fullmatch("[a-z]+(:[0-9]+)?", device) and shlex.split(device) == [device]


@pytest.mark.parametrize("results", ["results", "a 'b'; $(c) \"d\" & e"])
def test_other_values_are_words_for_a_shell(tmp_path, monkeypatch, results):
    monkeypatch.chdir(tmp_path)
    weights = str(write_model(tmp_path))
    config = {"genome": {"fasta": "g.fa"}, "model": {"weights": weights}, "results": results}
    run = place_run(Config.of(resolve_config(config)))
    assert run.device == "auto"
    assert shlex.split(run.probe_option) == ["--probe", f"{results}/run/work/probe.json"]
    assert all(re.fullmatch("[0-9]+:[0-9]+", job.rows) for job in run.results.bigwigs)
    assert all(re.fullmatch("[0-9]+", shard) for shard in run.possible_shards)
