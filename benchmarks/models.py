"""Forward passes of this package and of gReLU 1.1.0: time, peak memory and largest difference.

Every measurement is a separate process with the same weights and input, on one core (or one CUDA
device: --device cuda --precision bf16); the packages take turns. Run by `make bench`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import warnings

from common import ROOT, describe, read_peak
from goals import note

sys.path += [str(ROOT / "tests" / "oracles"), str(ROOT / ".oracles")]
PACKAGES = {"ours": "grelu_models", "gReLU": "grelu.model"}
CONV = {"n_conv": 6, "stem_channels": 64, "channel_init": 64, "pool_func": "max", "pool_size": 2}

# name: (class, arguments, base pairs, batch, passes)
FAMILIES = {
    "ConvModel": ("ConvModel", {**CONV, "n_tasks": 8, "norm": True}, 2048, 32, 5),
    "BPNet-like": (
        "DilatedConvModel",
        {"n_tasks": 2, "channels": 64, "final_pool_func": None},
        2114,
        32,
        3,
    ),
    "ConvGRU": ("ConvGRUModel", {**CONV, "n_tasks": 8}, 2048, 32, 5),
    "ConvTransformer": (
        "ConvTransformerModel",
        {**CONV, "n_tasks": 8, "n_transformers": 4, "n_heads": 4, "key_len": 16, "value_len": 16},
        16_384,
        8,
        3,
    ),
    "ConvMLP": ("ConvMLPModel", {**CONV, "n_tasks": 8, "seq_len": 2048}, 2048, 32, 5),
    "Enformer, full size": (
        "EnformerModel",
        {"n_tasks": 5313, "crop_len": 320, "final_pool_func": None},
        196_608,
        1,
        1,
    ),
    "Borzoi, full size": (
        "BorzoiModel",
        {"n_tasks": 7611, "crop_len": 5120, "final_pool_func": None},
        524_288,
        1,
        1,
    ),
}


def run(package: str, family: str, device: str, precision: str) -> dict:
    """Time one family of one package in this process."""
    from importlib import import_module

    import torch

    from cases import fill_weights, make_bases, sample

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    kind, arguments, window, batch, passes = FAMILIES[family]
    models = import_module(f"{PACKAGES[package]}.models")
    model = getattr(models, kind)(**arguments).eval()
    fill_weights(model.state_dict())
    x = make_bases(window)[:1].expand(batch, -1, -1).contiguous()
    model, x = model.to(device), x.to(device)
    kinds = {"bf16": torch.bfloat16, "fp16": torch.float16}
    seconds = []
    with torch.inference_mode(), torch.autocast(device, kinds.get(precision), precision in kinds):
        for _ in range(passes + (passes > 1 or device == "cuda")):
            start = time.perf_counter()
            output = model(x)
            if device == "cuda":
                torch.cuda.synchronize()
            seconds.append(time.perf_counter() - start)
    if device == "cuda":
        peak = torch.cuda.max_memory_allocated() / 2**20
    else:
        peak = read_peak(os.getpid()) / 1024
    values = sample(output[0].float(), 2000).tolist()
    return {"seconds": min(seconds), "mib": peak, "values": values, "torch": torch.__version__}


def measure(family: str, repeat: int, device: str, precision: str) -> dict[str, list[dict]]:
    """Results of both packages, which take turns, each time in a new process."""
    found: dict[str, list[dict]] = {name: [] for name in PACKAGES}
    for _ in range(repeat):
        for name in PACKAGES:
            words = [sys.executable, __file__, "--device", device, "--precision", precision]
            words += ["--only", name, "--families", family]
            done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
            found[name].append(json.loads(done.stdout.splitlines()[-1]))
    return found


def compare(found: dict[str, list[dict]], family: str) -> str:
    """One row of the table."""
    _, _, window, batch, _ = FAMILIES[family]
    seconds = {k: statistics.median(run["seconds"] for run in v) for k, v in found.items()}
    mib = {k: statistics.median(run["mib"] for run in v) for k, v in found.items()}
    ours, theirs = (found[name][0]["values"] for name in PACKAGES)
    largest = max(abs(value) for value in theirs)
    difference = max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) / largest
    note(f"forward, gReLU / ours: {family}", seconds["gReLU"] / seconds["ours"])
    note(f"forward, memory, ours / gReLU: {family}", mib["ours"] / mib["gReLU"])
    note(f"forward, difference from gReLU / largest value: {family}", difference)
    cells = [
        family,
        f"{batch} x {window:,}",
        *(f"{seconds[name]:.3g}" for name in PACKAGES),
        f"**{seconds['gReLU'] / seconds['ours']:.2f}**",
        *(f"{mib[name]:,.0f}" for name in PACKAGES),
        f"**{mib['ours'] / mib['gReLU']:.2f}**",
        f"{difference:.0e}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--repeat", type=int, default=3, help="processes each (full size: 1)")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=["fp32", "bf16", "fp16"], default="fp32")
    parser.add_argument("--only", choices=PACKAGES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        found = run(options.only, options.families[0], options.device, options.precision)
        print(json.dumps(found))
        return
    print(
        f"{describe('torch')}, {options.device}, {options.precision}, one thread\n\n"
        "| family | windows | ours, s | gReLU, s | speed-up | ours, MiB | gReLU, MiB "
        "| memory, ours / gReLU | largest difference |\n|---|---|---|---|---|---|---|---|---|"
    )
    for family in options.families:
        repeat = options.repeat if FAMILIES[family][4] > 1 else 1
        found = measure(family, repeat, options.device, options.precision)
        print(compare(found, family), flush=True)


if __name__ == "__main__":
    main()
