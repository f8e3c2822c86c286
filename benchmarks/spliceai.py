"""SpliceAI: CPU time of one model and one strand by the length of the window, beside its peers.

Needs Keras and OpenSpliceAI in .oracles (`make oracles`). Weights are random.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from common import ROOT, describe, pin_to_one_core
from grelu_models.models.spliceai import SpliceAI

sys.path[1:1] = [str(ROOT / "tests" / "oracles"), str(ROOT / "tests")]
sys.path.append(str(ROOT / ".oracles"))

CONTEXT, CHANNELS = 10_000, 32


def make_models() -> dict[str, Callable[[Tensor], Tensor]]:
    """Three models of one strand: one-hot bases (1, 4, window) -> probabilities."""
    from spliceai_files import name_tensors, write_keras2
    from spliceai_peers import load_keras, make_openspliceai

    ours = SpliceAI(CHANNELS, CONTEXT).eval()
    ours.load_state_dict(name_tensors(CONTEXT, CHANNELS))
    ours.keep_tracks([0, 1])
    with tempfile.TemporaryDirectory() as folder:
        path = write_keras2(Path(folder) / "spliceai.h5", CONTEXT, channels=CHANNELS)
        keras = load_keras(path)
    return {
        "grelu_models": ours,
        "OpenSpliceAI": make_openspliceai(CONTEXT, CHANNELS),
        "Keras": lambda bases: keras(bases.mT),
    }


def main() -> None:
    """Print a table of seconds per 1,000 bp that get values."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=4, help="passes, of which the best counts")
    parser.add_argument(
        "--windows", type=int, nargs="+", default=[15_000, 30_000, 60_000, 110_000, 210_000]
    )
    arguments = parser.parse_args()
    pin_to_one_core()
    torch.set_num_threads(1)
    models = make_models()
    print(f"{describe('torch', 'keras', 'openspliceai')}\n")
    print(f"| window | {' | '.join(models)} |\n|---|{'---|' * len(models)}")
    for window in arguments.windows:
        bases = functional.one_hot(torch.randint(4, (1, window)), 4).mT.float()
        best = dict.fromkeys(models, float("inf"))
        with torch.inference_mode():
            for _ in range(arguments.repeat):
                for name, model in models.items():
                    start = time.process_time()
                    model(bases)
                    best[name] = min(best[name], time.process_time() - start)
        cells = [f"{1000 * seconds / (window - CONTEXT):.4f}" for seconds in best.values()]
        print(f"| {window:,} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
