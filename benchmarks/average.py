"""Cost of averages and of groups of tracks, compared with a plain run.

A shard is predicted and written as in a job, with and without an average, in turn, on one core (the
process is pinned to it). Both strands or two shifts of 4 bp should take twice as long, three folds
three times as long, and ten groups of a hundred tracks no longer than the tracks. Run by `make
bench`.
"""

import argparse
import contextlib
import io
import statistics
import tempfile
import time
from pathlib import Path

from common import describe, pin_to_one_core
from goals import note
from predict import make_run

# name: settings of the run, in addition to those of predict.py
CASES = {
    "both strands": {"reverse_complement": True},
    "two shifts": {"shifts": [-4, 4]},
    "three folds": {"folds": 3},
}
GROUPS = "ten groups of 100 tracks"
GROUPED = {
    "aggregate": None,
    "tracks": [],
    "pairs": [
        {
            "name": f"group {i}",
            "of": "difference",
            "pseudocount": 0.0,
            "treatment": list(range(10 * i, 10 * i + 5)),
            "control": list(range(10 * i + 5, 10 * i + 10)),
        }
        for i in range(10)
    ],
}


class Job:
    """A shard to predict; model, genome and device are ready, as in a job."""

    def __init__(self, folder: Path, family: str, **settings) -> None:
        from genometracks.inputs.bases import Bases
        from genometracks.predict.device import prepare_device
        from genometracks.predict.predict import load_planned_model

        folder.mkdir()
        with contextlib.redirect_stdout(io.StringIO()):
            self.run, self.plan = make_run(folder, family, **settings)
        self.model = load_planned_model(self.plan)
        self.bases = Bases(self.run.work / "genome.fa")
        self.device = prepare_device("cpu")

    def time(self) -> float:
        """Seconds for predicting and writing the shard."""
        from genometracks.common.prefetch import prefetch
        from genometracks.predict.predict import ShardPrediction
        from genometracks.shards.shard import write_shard

        shard = self.plan.shards[0]
        start = time.perf_counter()
        made = ShardPrediction(
            self.plan, self.bases, model=self.model, shard=shard, device=self.device
        )
        pieces = prefetch(made.pieces())
        write_shard(self.run.shards(), self.plan, shard, pieces=pieces, notes=made.notes)
        return time.perf_counter() - start


def measure(family: str, case: str, settings: dict, repeat: int) -> str:
    """One row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Job(Path(folder) / "plain", family)
        other = Job(Path(folder) / "other", family, **settings)
        pairs = [(plain.time(), other.time()) for _ in range(repeat + 1)][1:]
    ratios = [b / a for a, b in pairs]
    note(f"average / plain: {family}, {case}", statistics.median(ratios))
    one, two = (statistics.median(times) for times in zip(*pairs, strict=True))
    return (
        f"| {family} | {case} | {plain.plan.windows:,} / {other.plan.windows:,} | {one:.2f} | "
        f"{two:.2f} | **{statistics.median(ratios):.3f}** | {min(ratios):.3f}-{max(ratios):.3f} |"
    )


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    pin_to_one_core()
    import torch

    torch.set_num_threads(1)
    print(
        f"{describe('torch')}, one core, medians of {options.repeat} after one warm-up"
        "\n\n| model | average | windows, plain / average | plain, s | average, s | ratio | range |"
        "\n|---|---|---|---|---|---|---|"
    )
    cases = [(family, *case) for family in ("demo", "BPNet-like") for case in CASES.items()]
    for family, case, settings in [*cases, ("Enformer, small", GROUPS, GROUPED)]:
        with contextlib.redirect_stderr(io.StringIO()):  # logs of the stages
            row = measure(family, case, settings, options.repeat)
        print(row, flush=True)


if __name__ == "__main__":
    main()
