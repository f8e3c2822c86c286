"""The prediction of a shard, compared with the bare loop over its windows, encoded and in memory.

Both run in turn on one core (the process is pinned to it), with the same prepared model. The ratio
measures reading, encoding, cutting, checks, checksums and writing. Start-up (imports, model, plan)
is not included. Run by `make bench`.
"""

import argparse
import contextlib
import io
import statistics
import tempfile
import time
from pathlib import Path

from common import ROOT, describe, pin_to_one_core
from goals import note

DEMO = ROOT / "config" / "demo" / "dcas9.safetensors"

# name: (architecture, None for the demo's; window, batch, base pairs of the genome, dtype)
FAMILIES = {
    "demo": (None, 2048, 32, 4_000_000, "float32"),
    "BPNet-like": (
        {"model_type": "DilatedConvModel", "n_tasks": 2, "channels": 64, "crop_len": 557}
        | {"final_pool_func": None},
        2114,
        32,
        400_000,
        "float16",
    ),
    "Enformer, small": (
        {"model_type": "EnformerModel", "n_tasks": 100, "channels": 384, "n_transformers": 4}
        | {"n_heads": 4, "crop_len": 64, "final_pool_func": None},
        32_768,
        4,
        300_000,
        "float16",
    ),
}


def write_weights(folder: Path, family: str) -> Path:
    """Path of the demo's weights, or of random weights beside the file that describes them."""
    import torch
    import yaml
    from safetensors.torch import save_file

    from grelu_models.checkpoint import build_model

    architecture, window, *_ = FAMILIES[family]
    if architecture is None:
        return DEMO
    torch.manual_seed(0)
    weights = folder / "model.safetensors"
    save_file(build_model(architecture).state_dict(), weights)
    described = {"architecture": architecture, "window": window}
    weights.with_suffix(".yaml").write_text(yaml.safe_dump(described))
    return weights


def write_folds(folder: Path, weights: Path, count: int) -> list[Path]:
    """Write copies of a model with slightly different weights; return their paths."""
    from safetensors.torch import load_file, save_file

    folds = []
    for i in range(count):
        fold = folder / f"fold{i}.safetensors"
        save_file({key: value * (1 + i / 1000) for key, value in load_file(weights).items()}, fold)
        fold.with_suffix(".yaml").write_bytes(weights.with_suffix(".yaml").read_bytes())
        folds.append(fold)
    return folds


def make_run(folder: Path, family: str, *, folds: int = 1, **settings):
    """Plan a run over a random genome."""
    from toys import Run, random_bases, write_fasta

    _, _, batch, length, dtype = FAMILIES[family]
    weights = write_weights(folder, family)
    fasta = write_fasta(folder / "genome.fa", {"chr1": random_bases(length, seed=1)})
    settings = {"batch_size": batch, "shards": 1, "dtype": dtype, **settings}
    models = write_folds(folder, weights, folds) if folds > 1 else weights
    run = Run(folder / "run", models, fasta, **settings)
    return run, run.plan()


def measure(family: str, repeat: int) -> str:
    """One row of the table."""
    import torch

    from genometracks.common.prefetch import prefetch
    from genometracks.inputs.bases import Bases
    from genometracks.predict.batches import encode_batch, read_batches
    from genometracks.predict.device import prepare_device
    from genometracks.predict.predict import ShardPrediction, load_planned_model
    from genometracks.shards.shard import write_shard

    device = prepare_device("cpu")
    bare, whole = [], []
    with tempfile.TemporaryDirectory() as folder:
        with contextlib.redirect_stdout(io.StringIO()):
            run, plan = make_run(Path(folder), family)
        folds, bases, shard = (
            load_planned_model(plan),
            Bases(run.work / "genome.fa"),
            plan.shards[0],
        )
        (model,) = folds
        windows = [encode_batch(plan, b, device=device) for b in read_batches(plan, bases, shard)]
        with torch.inference_mode():
            model(windows[0])
        for _ in range(repeat):
            start = time.perf_counter()
            with torch.inference_mode():
                for batch in windows:
                    model(batch)
            bare.append(time.perf_counter() - start)
            start = time.perf_counter()
            made = ShardPrediction(plan, bases, model=folds, shard=shard, device=device)
            pieces = prefetch(made.pieces())
            write_shard(run.shards(), plan, shard, pieces=pieces, notes=made.notes)
            whole.append(time.perf_counter() - start)
    ratios = [a / b for a, b in zip(whole, bare, strict=True)]
    note(f"predict / bare loop: {family}", statistics.median(ratios))
    return (
        f"| {family} | {plan.windows:,} x {plan.geometry.window:,} | {len(plan.tracks)} | "
        f"{statistics.median(bare):.2f} | {statistics.median(whole):.2f} | "
        f"**{statistics.median(ratios):.3f}** | {min(ratios):.3f}-{max(ratios):.3f} |"
    )


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    pin_to_one_core()
    start = time.perf_counter()
    import torch

    torch.set_num_threads(1)
    print(
        f"{describe('torch')}, one core, medians of {options.repeat}; torch import "
        f"{time.perf_counter() - start:.1f} s"
        "\n\n| model | windows | tracks | bare loop, s | predict, s | ratio | range |"
        "\n|---|---|---|---|---|---|---|"
    )
    for family in options.families:
        with contextlib.redirect_stderr(io.StringIO()):  # logs of the stages
            row = measure(family, options.repeat)
        print(row, flush=True)


if __name__ == "__main__":
    main()
