"""A run of a stranded BPNet, averaged over both strands, has the values of a plain loop."""

import pyBigWig
import torch

import pipeline
from bpnet_files import write_torch
from cases import fill_weights
from grelu_models.models.bpnet import BPNet
from toys import CODE, random_bases, write_fasta

BASES, WINDOW, TRIM = 1500, 400, 40


def test_strands_are_averaged_with_their_partners(warm_tools, tmp_path):
    model = BPNet(n_filters=6, n_layers=3, n_outputs=2, counts="expm1").eval()
    fill_weights(model.state_dict())
    model.state_dict()["linear.bias"].fill_(3)
    write_torch(tmp_path / "m.pt", model.state_dict())
    sequence = random_bases(BASES, seed=0)
    write_fasta(tmp_path / "g.fa", {"chr1": sequence})
    (tmp_path / "config.yaml").write_text(
        "run: bpnet\ngenome: {fasta: g.fa}\n"
        f"model: {{weights: m.pt, window: {WINDOW}, "
        "architecture: {model_type: BPNet, counts: expm1}}\n"
        f"prediction: {{device: cpu, precision: fp32, batch_size: 3, trim: {TRIM}, "
        "reverse_complement: true}\n"
    )
    pipeline.run(tmp_path)
    expected = predict(model, sequence)
    results = tmp_path / "results" / "bpnet"
    for i, name in enumerate(["signal+", "signal-"]):
        with pyBigWig.open(str(results / "bigwig" / f"{name}.bw")) as file:
            found = torch.tensor(file.values("chr1", 0, BASES))
        assert (found - expected[i]).abs().max() <= 1e-5 * expected[i].max()
        assert expected[i].min() > 0 and expected[i].max() > 2 * expected[i].min()
    table = (results / "tracks.tsv").read_text()
    assert "expected counts per bp: softmax profile x (exp(log counts) - 1)" in table


def predict(model, sequence):
    """Tile the contig with windows one by one: (2, bases)."""
    crop = model.trim
    owned = WINDOW - 2 * (crop + TRIM)
    codes = torch.tensor([CODE[base] for base in sequence])
    padded = torch.zeros(4, len(sequence) + 2 * WINDOW)
    padded[codes, torch.arange(len(sequence)) + WINDOW] = 1
    values = torch.zeros(2, len(sequence) + owned)
    for start in range(0, len(sequence), owned):
        first = start - TRIM - crop + WINDOW
        bases = padded[None, :, first : first + WINDOW]
        with torch.inference_mode():
            plus, minus = model(bases)[0], model(bases.flip(1, 2))[0].flip(0, 1)
        mean = (plus + minus) / 2
        values[:, start : start + owned] = mean[:, TRIM : TRIM + owned]
    return values[:, : len(sequence)]
