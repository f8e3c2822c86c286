"""Another workflow uses this one as a module, with its own config."""

from pathlib import Path

import pyBigWig
import pytest
import yaml

from pipeline import ROOT, planned_rules, run
from toys import random_bases, write_fasta, write_model

pytestmark = pytest.mark.usefixtures("warm_tools")

SNAKEFILE = f"""
configfile: "config.yaml"
module genometracks:
    snakefile: "{ROOT}/workflow/Snakefile"
    config: config["tracks"]
use rule * from genometracks as gt_*
rule mean:
    default_target: True
    input: "out/mine/bigwig/one.bw", rules.gt_all.input
    output: "mean.txt"
    run: open(output[0], "w").write(str(__import__("pyBigWig").open(input[0]).stats("chr1")[0]))
"""


def test_a_ten_line_workflow_uses_the_tracks(tmp_path):
    write_fasta(tmp_path / "g.fa", {"chr1": random_bases(700, seed=0)})
    write_model(tmp_path, name="m")
    tracks = {
        "run": "mine",
        "results": "out",
        "genome": {"fasta": "g.fa"},
        "model": {"weights": "m.safetensors"},
        "prediction": {"device": "cpu"},
        "shards": "auto",
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"tracks": tracks, "colour": "mine"}))
    assert len(SNAKEFILE.strip().splitlines()) == 10
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    assert {"gt_genome", "gt_plan", "mean"} <= planned_rules(tmp_path, snakefile="Snakefile")
    run(tmp_path, snakefile="Snakefile")
    with pyBigWig.open(str(tmp_path / "out/mine/bigwig/one.bw")) as file:
        assert (tmp_path / "mean.txt").read_text() == str(file.stats("chr1")[0])
    assert "Nothing to be done" in run(tmp_path, snakefile="Snakefile")
    assert not Path(tmp_path / "results").exists()
