"""SpliceAI's published weights through the whole pipeline, on 30 kb of human chromosome 20.

Needs the files that 'make demo-human' downloads; run it by 'pytest -m slow tests/workflow'.
"""

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import pipeline
from genometracks.bigwig.reader import BigWigReader
from spliceai_graph import evaluate_graph
from toys import write_fasta

DATA = Path(__file__).parents[2] / "data" / "human"
FASTA = DATA / "20.fa.gz"
FOLDS = [DATA / f"spliceai{k}.h5" for k in (1, 2)]
START, END = 44_514_000, 44_544_000  # CTSA on the plus strand, PLTP on the minus strand
TRACKS = ("acceptor+", "donor+", "acceptor-", "donor-")
COMPLEMENT = bytes.maketrans(b"ACGT", b"TGCA")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(path.is_file() for path in (FASTA, *FOLDS)), reason="run 'make demo-human' first"
    ),
]


@pytest.fixture(scope="module")
def bases() -> bytes:
    with gzip.open(FASTA) as file:
        letters = b"".join(file.read().split(b"\n")[1:])
    return letters[START:END].upper()


def predict(folder: Path, letters: bytes) -> np.ndarray:
    """Values of the four tracks in the bigWig files of a run: (4, bases)."""
    write_fasta(folder / "g.fa", {"20": letters.decode()})
    config = {
        "run": "short",
        "genome": {"fasta": "g.fa"},
        "model": {
            "weights": [str(path) for path in FOLDS],
            "architecture": {"model_type": "SpliceAI"},
        },
        "prediction": {"batch_size": 1, "precision": "fp32", "device": "cpu"},
        "shards": 2,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    pipeline.run(folder)
    values = []
    for track in TRACKS:
        with BigWigReader(folder / "results" / "short" / "bigwig" / f"{track}.bw") as reader:
            values.append(reader.bin_means("20", 1, 0, len(letters)))
    return np.array(values)


@pytest.fixture(scope="module")
def forward(bases, warm_tools, tmp_path_factory) -> np.ndarray:
    return predict(tmp_path_factory.mktemp("forward"), bases)


def test_the_tracks_are_those_of_the_graphs_evaluated_layer_by_layer(bases, forward):
    codes = np.frombuffer(b"N" * 5_000 + bases + b"N" * 5_000, np.uint8)
    x = torch.from_numpy(np.stack([codes == base for base in b"ACGT"]).astype(np.float32))[None]
    with torch.inference_mode():
        plus = sum(evaluate_graph(path, x)[0] for path in FOLDS) / 2
        minus = sum(evaluate_graph(path, x.flip(1, 2))[0] for path in FOLDS).flip(1) / 2
    expected = torch.cat([plus[1:], minus[1:]]).numpy()
    assert expected.max() > 0.9
    np.testing.assert_allclose(forward, expected, rtol=0, atol=1e-5)


def test_the_strands_swap_when_the_genome_is_reverse_complemented(bases, forward, tmp_path):
    backward = predict(tmp_path, bases.translate(COMPLEMENT)[::-1])
    assert forward.max(axis=1).min() > 0.9  # each strand has a gene
    np.testing.assert_allclose(backward[[2, 3, 0, 1], ::-1], forward, rtol=0, atol=1e-5)
