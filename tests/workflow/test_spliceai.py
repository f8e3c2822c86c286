"""The example of SpliceAI, with two small folds of 400 bp of context on a random contig."""

import csv
import json
from pathlib import Path

import numpy as np
import pyBigWig
import pytest
import torch
import yaml

from grelu_models.checkpoint import load
from pipeline import run, snakemake
from spliceai_files import write_keras2
from toys import one_hot, random_bases, write_fasta

pytestmark = pytest.mark.usefixtures("warm_tools")

EXAMPLE = Path(__file__).parents[2] / "config/examples/spliceai.yaml"
CONTEXT = 400
ARCHITECTURE = {"model_type": "SpliceAI"}
TRACKS = ["acceptor+", "donor+", "acceptor-", "donor-"]
BASES = random_bases(10_100, seed=5)
COMPLEMENT = str.maketrans("ACGT", "TGCA")


def write_run(folder, *, bases=BASES, window=3400, **prediction):
    """The example's config with small files in place of the published ones."""
    config = yaml.safe_load(EXAMPLE.read_text())
    folds = [write_keras2(folder / f"spliceai{i}.h5", CONTEXT, seed=i) for i in (1, 2)]
    write_fasta(folder / "g.fa", {"chr1": bases})
    config["genome"] = {"fasta": "g.fa"}
    config["model"] |= {"weights": [fold.name for fold in folds], "window": window}
    config["prediction"] |= prediction
    config["output"] = {"parquet": False}
    config["shards"] = 2
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folds


def read_tracks(folder):
    """The values of the four bigWigs (tracks, bases)."""
    found = []
    for track in TRACKS:
        with pyBigWig.open(str(folder / f"results/spliceai/bigwig/{track}.bw")) as file:
            found.append(file.values("chr1", 0, len(BASES), numpy=True))
    return np.stack(found)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spliceai")
    folds = write_run(folder)
    run(folder)
    return folder, folds


def test_the_tracks_are_the_mean_of_the_folds_over_the_whole_contig(project):
    folder, folds = project
    padded = one_hot(BASES, -CONTEXT // 2, len(BASES) + CONTEXT)
    models = [load(fold, architecture=ARCHITECTURE, window=3400)[0] for fold in folds]
    with torch.inference_mode():
        values = [model(padded)[0] for model in models]
    assert (values[0] - values[1]).abs().max() > 0.1
    expected = torch.stack(values).mean(0).numpy()
    found = read_tracks(folder)
    assert found.shape == expected.shape and np.isfinite(found).all()
    assert np.abs(found - expected).max() < 1e-5


def test_the_table_says_what_the_values_are(project):
    folder, _ = project
    with (folder / "results/spliceai/tracks.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [row["track"] for row in rows] == TRACKS
    assert {row["computed"] for row in rows} == {"output, then the mean of 2 folds; probability"}
    assert rows[3]["description"] == "probability that a base is a splice donor of the - strand"


def test_the_strands_swap_where_the_fasta_is_reverse_complemented(project, tmp_path):
    write_run(tmp_path, bases=BASES.translate(COMPLEMENT)[::-1])
    run(tmp_path)
    found, turned = read_tracks(project[0]), read_tracks(tmp_path)
    assert np.abs(turned[[2, 3, 0, 1], ::-1] - found).max() < 1e-6


def test_auto_finds_that_a_longer_window_gives_the_same_values(project, tmp_path):
    write_run(tmp_path, window="auto")
    run(tmp_path)
    probe = json.loads((tmp_path / "results/spliceai/work/probe.json").read_text())
    assert probe["geometry"]["window"] == 2 * (5000 + CONTEXT)
    assert probe["window"] == {"edge_bins": 0, "why": "2 times the model's own"}
    assert np.abs(read_tracks(tmp_path) - read_tracks(project[0])).max() < 1e-6


def test_averaging_over_strands_is_refused(tmp_path):
    write_run(tmp_path, reverse_complement=True)
    done = snakemake(tmp_path, "-n")
    reason = (
        "each track of SpliceAI belongs to one strand, and those of the minus strand are already "
        "predicted from the reverse complement"
    )
    message = f"prediction.reverse_complement: {reason}: set it to false"
    assert done.returncode and message in done.stderr + done.stdout
