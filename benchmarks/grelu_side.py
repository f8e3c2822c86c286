"""The gReLU side of `against_grelu.py`, run by an interpreter with gReLU 1.1.0.

A LightningModel, `predict_on_dataset` over a SeqDataset of the genome's windows, and one bigWig per
track by pyBigWig, with each contig's bins in one call of fixed step. gReLU rejects windows that
extend past a contig's end, so the ends have no values. Prints the job's seconds and CPU seconds.
"""

import json
import os
import sys
import time
import warnings
from pathlib import Path

import grelu.lightning
import numpy as np
import pandas as pd
import pyBigWig
import torch
from grelu.data.dataset import SeqDataset
from safetensors.torch import load_file

SIZES = ["chrom", "size"]


def list_windows(sizes: pd.DataFrame, *, window: int, step: int) -> pd.DataFrame:
    """Windows whose outputs are adjacent."""
    rows = [
        (chrom, start, start + window)
        for chrom, size in sizes.itertuples(index=False)
        for start in range(0, size - window + 1, step)
    ]
    return pd.DataFrame(rows, columns=["chrom", "start", "end"])


def write_bigwigs(values: np.ndarray, intervals: pd.DataFrame, *, sizes, lead: int, bin: int, out):
    """Write one bigWig per track of values (windows, tracks, bins)."""
    for track in range(values.shape[1]):
        with pyBigWig.open(str(out / f"{track}.bw"), "w") as file:
            file.addHeader(list(sizes.itertuples(index=False, name=None)))
            for chrom, mine in intervals.groupby("chrom", sort=False):
                bins = np.ascontiguousarray(values[mine.index, track].reshape(-1))
                file.addEntries(chrom, lead, values=bins, span=bin, step=bin)


def main() -> None:
    """Run the job that the first argument describes as JSON."""
    job = json.loads(sys.argv[1])
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    start, cpu = time.perf_counter(), sum(os.times()[:4])
    geometry, out = job["geometry"], Path(job["out"])
    window, bin, length = (geometry[key] for key in ("window", "bin", "length"))
    train = {"task": "regression", "loss": "mse", "num_workers": job["workers"]}
    model = grelu.lightning.LightningModel(job["architecture"], train)
    model.model.load_state_dict(load_file(job["weights"]))
    sizes = pd.read_table(job["fasta"] + ".sizes", header=None, names=SIZES)
    intervals = list_windows(sizes, window=window, step=length * bin)
    dataset = SeqDataset(intervals, seq_len=window, genome=job["fasta"])
    values = model.predict_on_dataset(
        dataset, devices="cpu", num_workers=job["workers"], batch_size=job["batch_size"]
    )
    lead = geometry["crop"] * bin
    write_bigwigs(values, intervals, sizes=sizes, lead=lead, bin=bin, out=out)
    wall = time.perf_counter() - start
    # Includes children that have ended, such as the data loader's worker.
    print(json.dumps({"wall": wall, "cpu": sum(os.times()[:4]) - cpu}))


if __name__ == "__main__":
    main()
