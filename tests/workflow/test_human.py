"""SpliceAI's published weights through the whole pipeline, on 30 kb of human chromosome 20.

Needs the files that 'make demo-human' downloads; run it by 'pytest -m slow tests/workflow'.
"""

import gzip
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import torch.nn.functional as F
import yaml

import pipeline
from genometracks.bigwig.reader import BigWigReader
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


def evaluate(path: Path, x: torch.Tensor) -> torch.Tensor:
    """Output of a Keras graph for one-hot bases (1, 4, L), layer by layer: (3, L - 10,000)."""
    with h5py.File(path) as file:
        layers = json.loads(file.attrs["model_config"])["config"]["layers"]
        groups = file["model_weights"]
        weights = {
            name: [torch.from_numpy(group[each][()]) for each in group.attrs["weight_names"]]
            for name, group in groups.items()
        }
    values: dict[str, torch.Tensor] = {}
    for layer in layers:
        name, config, own = layer["name"], layer["config"], weights[layer["name"]]
        before = [values[node[0]] for nodes in layer["inbound_nodes"] for node in nodes]
        match layer["class_name"]:
            case "InputLayer":
                y = x
            case "Conv1D":
                dilation = config["dilation_rate"][0]
                reach = dilation * (own[0].shape[0] - 1) // 2
                y = F.conv1d(before[0], own[0].permute(2, 1, 0), own[1], 1, reach, dilation)
                y = y.softmax(1) if config["activation"] == "softmax" else y
            case "BatchNormalization":
                gamma, beta, mean, variance = (value[:, None] for value in own)
                y = (before[0] - mean) / (variance + config["epsilon"]).sqrt() * gamma + beta
            case "Activation":
                y = before[0].relu()
            case "Add":
                y = torch.stack(before).sum(0)
            case "Cropping1D":
                y = before[0][:, :, config["cropping"][0] : -config["cropping"][1]]
            case other:
                raise AssertionError(other)
        values[name] = y
    return y[0]


def test_the_tracks_are_those_of_the_graphs_evaluated_layer_by_layer(bases, forward):
    codes = np.frombuffer(b"N" * 5_000 + bases + b"N" * 5_000, np.uint8)
    x = torch.from_numpy(np.stack([codes == base for base in b"ACGT"]).astype(np.float32))[None]
    with torch.inference_mode():
        plus = sum(evaluate(path, x) for path in FOLDS) / 2
        minus = sum(evaluate(path, x.flip(1, 2)) for path in FOLDS).flip(1) / 2
    expected = torch.cat([plus[1:], minus[1:]]).numpy()
    assert expected.max() > 0.9
    np.testing.assert_allclose(forward, expected, rtol=0, atol=1e-5)


def test_the_strands_swap_when_the_genome_is_reverse_complemented(bases, forward, tmp_path):
    backward = predict(tmp_path, bases.translate(COMPLEMENT)[::-1])
    assert forward.max(axis=1).min() > 0.9  # each strand has a gene
    np.testing.assert_allclose(backward[[2, 3, 0, 1], ::-1], forward, rtol=0, atol=1e-5)
