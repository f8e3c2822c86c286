"""Make tests/grelu_models/tiny_averages.json with gReLU 1.1.0: run this file.

The file holds what gReLU itself predicts by tiny.ckpt for the windows of a random contig, averaged
over both strands and shifts of -1, 0 and 1 bp. Needs gReLU and Lightning, and nothing of this
repository's packages.
"""

import json
import os
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyfaidx
from grelu.data.dataset import SeqDataset
from grelu.lightning import LightningModel

FOLDER = Path(__file__).parents[1] / "grelu_models"
WINDOW, STEP, LEAD, LENGTH = 64, 56, 4, 420
"""Base pairs that tiny.ckpt reads, predicts, and skips at the start; length of the contig."""


def main() -> None:
    """Write the contig, the starts of the windows, and the averages of gReLU."""
    warnings.simplefilter("ignore")
    bases = "".join(np.random.default_rng(9).choice(list("ACGT"), LENGTH))
    starts = list(range(STEP - LEAD, LENGTH - WINDOW, STEP))
    model = LightningModel.load_from_checkpoint(FOLDER / "tiny.ckpt", weights_only=False)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("toy.fa").write_text(f">c\n{bases}\n")
        pyfaidx.Faidx("toy.fa")
        Path("toy.fa.sizes").write_text(f"c\t{LENGTH}\n")
        windows = pd.DataFrame({"chrom": "c", "start": starts})
        windows["end"] = windows["start"] + WINDOW
        found = {"bases": bases, "starts": starts}
        for name, augmented in {
            "both_strands": {"rc": True},
            "both_strands_and_shifts": {"rc": True, "max_seq_shift": 1},
        }.items():
            dataset = SeqDataset(windows, seq_len=WINDOW, genome="toy.fa", **augmented)
            values = model.predict_on_dataset(dataset, devices="cpu", num_workers=0)
            found[name] = values.astype(float).round(7).tolist()
        os.chdir(FOLDER)
    Path("tiny_averages.json").write_text(json.dumps(found, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
