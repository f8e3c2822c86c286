"""BPNet: time of a forward pass beside bpnet-lite, and what prediction.trim changes.

`--time` needs bpnet-lite in .oracles (`make oracles`). `--trim FOLDER` trains a small BPNet on the
demo's data (`config/demo/fetch.py` downloads them) and predicts the held-out part of the genome.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from common import ROOT, describe, pin_to_one_core
from grelu_models.models.bpnet import BPNet

sys.path[1:1] = [str(ROOT / "tests" / "oracles"), str(ROOT / "config" / "demo")]
sys.path.append(str(ROOT / ".oracles"))

WINDOW, LENGTH, TRIM = 2114, 1000, 557
SIZES = {"filters": 16, "layers": 8}
TRIMS = (50, 100, 150, 200, 250, 300, 400)
OWNED = 20
"""Positions that a window owns in the prediction which others are compared with."""


def time_forward(repeat: int) -> None:
    """Print the seconds of a forward pass of the published size, ours and bpnet-lite's."""
    from bpnet_peers import make_lite

    theirs = make_lite(n_outputs=2, n_control_tracks=0)
    ours = BPNet(n_filters=64, n_layers=8, n_outputs=2).eval()
    ours.load_state_dict(theirs.state_dict())
    print("| windows | bpnet-lite, s | grelu_models, s |\n|---|---|---|")
    for count, length in ((16, WINDOW), (4, 10_000)):
        bases = functional.one_hot(torch.randint(4, (count, length)), 4).mT.float()
        seconds: dict[str, list[float]] = {"theirs": [], "ours": []}
        with torch.inference_mode():
            for _ in range(repeat):
                for name, run in (("theirs", theirs), ("ours", ours.predict)):
                    start = time.perf_counter()
                    run(bases)
                    seconds[name].append(time.perf_counter() - start)
        print(
            f"| {count} x {length:,} | {min(seconds['theirs']):.3f} | {min(seconds['ours']):.3f} |"
        )


def train(bases: Tensor, counts: Tensor, *, epochs: int) -> BPNet:
    """Fit a BPNet by its usual losses: multinomial for the profile, squares for the log counts."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    model = BPNet(n_filters=SIZES["filters"], n_layers=SIZES["layers"], n_outputs=1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    number = (bases.shape[1] - WINDOW) // LENGTH - 1
    for epoch in range(epochs):
        starts = rng.permutation(number) * LENGTH + rng.integers(LENGTH)
        losses = []
        for i in range(0, number - 15, 16):
            batch = starts[i : i + 16]
            x = torch.stack([bases[:, s : s + WINDOW] for s in batch])
            y = torch.stack([counts[s + TRIM : s + TRIM + LENGTH] for s in batch])
            logits, log_counts = model.predict(x)
            profile = -(y * functional.log_softmax(logits[:, 0], dim=1)).sum(1).mean()
            total = (log_counts[:, 0] - torch.log1p(y.sum(1))).square().mean()
            loss = profile / y.sum(1).mean() + total
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append((profile.item() / y.sum(1).mean().item(), total.item()))
        print(f"epoch {epoch + 1}: {np.mean(losses, axis=0).round(4).tolist()}", file=sys.stderr)
    return model.eval()


@torch.inference_mode()
def predict(model: BPNet, bases: Tensor, step: int) -> Tensor:
    """Signal (windows, LENGTH) of windows `step` apart."""
    starts = range(0, bases.shape[1] - WINDOW + 1, step)
    parts = [
        torch.stack([bases[:, s : s + WINDOW] for s in starts[i : i + 64]])
        for i in range(0, len(starts), 64)
    ]
    return torch.cat([model(part)[:, 0] for part in parts])


def compare_trims(model: BPNet, bases: Tensor) -> None:
    """Print the difference of neighbours, and that from windows centred on each position."""
    centred = predict(model, bases, OWNED)
    edge = (LENGTH - OWNED) // 2
    reference = centred[:, edge : edge + OWNED].flatten()  # from position TRIM + edge on
    print("| trim | windows | seams | from centred windows |\n|---|---|---|---|")
    for trim in (0, *TRIMS):
        owned = LENGTH - 2 * trim
        windows = predict(model, bases, owned)
        tiled = windows[:, trim : LENGTH - trim].flatten()[edge - trim :]
        length = min(len(tiled), len(reference))
        far = (tiled[:length] - reference[:length]).abs().mean() / reference[:length].mean()
        seam = "-"
        if trim:
            left, right = windows[:-1, -2 * trim :], windows[1:, : 2 * trim]
            share = (left - right).abs().mean() / ((left + right) / 2).mean()
            seam = f"{100 * share:.1f}%"
        print(f"| {trim} | {LENGTH / owned:.2f} x | {seam} | {100 * far:.1f}% |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--time", action="store_true")
    parser.add_argument("--trim", type=Path, metavar="FOLDER")
    parser.add_argument("--repeat", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args()
    pin_to_one_core()
    torch.set_num_threads(1)
    print(describe("torch"))
    if options.time:
        time_forward(options.repeat)
    if options.trim:
        import train as demo

        from genometracks.bigwig.reader import BigWigReader

        codes = demo.read_codes(options.trim / demo.GENOME)
        bases = demo.one_hot(codes[None])[0]
        with BigWigReader(options.trim / demo.REPLICATES[0]) as reader:
            values = reader.bin_means(demo.BIGWIG_CONTIG, 1, 0, len(codes))
        split = int(0.8 * len(codes))
        counts = torch.from_numpy(np.nan_to_num(np.asarray(values))).float()
        model = train(bases[:, :split], counts[:split], epochs=options.epochs)
        compare_trims(model, bases[:, split:])


if __name__ == "__main__":
    main()
