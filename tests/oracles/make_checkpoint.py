"""Make tests/grelu_models/tiny.ckpt and tiny_outputs.json with gReLU 1.1.0: run this file.

gReLU trains a tiny model on a random genome and saves the whole checkpoint itself, with the state
of the optimizer; the outputs are those of its LightningModel, after the activation. Needs gReLU,
and nothing of this repository's packages.
"""

import json
import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyfaidx
import torch
from grelu.data.dataset import LabeledSeqDataset
from grelu.lightning import LightningModel

FOLDER = Path(__file__).parents[1] / "grelu_models"
WINDOW, BIN, CROP = 64, 4, 1
LENGTH = WINDOW - 2 * CROP * BIN
MODEL = {
    "model_type": "ConvModel",
    "n_tasks": 3,
    "stem_channels": 6,
    "stem_kernel_size": 7,
    "n_conv": 3,
    "channel_init": 6,
    "kernel_size": 3,
    "norm": True,
    "pool_func": "max",
    "pool_size": np.int64(2),
    "crop_len": CROP,
    "final_pool_func": None,
}
TRAINING = {
    "task": "regression",
    "loss": "poisson",
    "lr": 1e-2,
    "batch_size": 8,
    "num_workers": 0,
    "max_epochs": 1,
    "name": "tiny",
    "checkpoint": {"monitor": "val_loss", "mode": "min", "dirpath": "kept", "filename": "tiny"},
}
TASKS = pd.DataFrame(
    {
        "assay": pd.Categorical(["ATAC", "ATAC", "RNA"]),
        "scale": [1.0, 0.5, np.nan],
        "strand_pair": [0, 2, 1],
        "file": ["a.bw", None, "c.bw"],
    },
    index=["liver", "kidney +", "kidney -"],
)


def random_bases(length: int, *, seed: int) -> str:
    """Make a random sequence."""
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), length))


def make_dataset(contig: str, starts: range) -> LabeledSeqDataset:
    """Windows of a contig. The label of a track counts one of the bases, so it can be learned."""
    bases = pyfaidx.Fasta("toy.fa")[contig][:].seq
    padded = LENGTH + 4
    labels = np.zeros((len(starts), len(TASKS), padded), dtype=np.float32)
    for i, start in enumerate(starts):
        seen = bases[start + (WINDOW - padded) // 2 :][:padded]
        labels[i] = [[base == track for base in seen] for track in "GCA"]
    return LabeledSeqDataset(
        pd.DataFrame({"chrom": contig, "start": starts, "end": [s + WINDOW for s in starts]}),
        labels,
        tasks=TASKS,
        seq_len=WINDOW,
        genome="toy.fa",
        rc=True,
        max_seq_shift=1,
        max_pair_shift=2,
        label_len=LENGTH,
        label_aggfunc="sum",
        bin_size=BIN,
        seed=0,
        augment_mode="random",
    )


def train() -> LightningModel:
    """Train for one epoch and save kept/tiny.ckpt in the current, temporary folder."""
    contigs = {name: random_bases(2000, seed=i) for i, name in enumerate(["chrA", "chrB"])}
    Path("toy.fa").write_text("".join(f">{name}\n{bases}\n" for name, bases in contigs.items()))
    pyfaidx.Faidx("toy.fa")
    Path("toy.fa.sizes").write_text("".join(f"{name}\t2000\n" for name in contigs))
    torch.manual_seed(0)
    model = LightningModel(dict(MODEL), dict(TRAINING))
    model.train_on_dataset(
        make_dataset("chrA", range(100, 1700, 25)), make_dataset("chrB", range(100, 500, 50))
    )
    return model


def main() -> None:
    """Write the checkpoint, two sequences (one with N), and the outputs of gReLU for them."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        train()
        (FOLDER / "tiny.ckpt").write_bytes(Path("kept/tiny.ckpt").read_bytes())
        os.chdir(FOLDER)
    model = LightningModel.load_from_checkpoint("tiny.ckpt", weights_only=False).eval()
    first, second = random_bases(WINDOW, seed=7), random_bases(WINDOW, seed=8)
    sequences = [first, second[:20] + "N" * 9 + second[29:]]
    codes = torch.tensor([["ACGTN".index(base) for base in bases] for bases in sequences])
    with torch.inference_mode():
        outputs = model((codes[:, None] == torch.arange(4)[:, None]).float())
    found = {"bases": sequences, "outputs": outputs.tolist()}
    Path("tiny_outputs.json").write_text(json.dumps(found, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
