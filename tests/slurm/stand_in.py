"""Stands before `genometracks` in a job: notes the call, and brings about what a test asks for.

In the folder $TROUBLE, `hold-{shard}` holds a prediction after its first batch for as long as the
file is there, and `eat-{shard}` lets the next prediction take all memory that it can get.
"""

import json
import os
import sys
import time
from pathlib import Path

FOLDER = Path(os.environ["TROUBLE"])
MOST = 12 << 30
"""Bytes; a job is killed long before."""


def note(event: str, words: list[str]) -> None:
    """Add a line to the calls; short lines are appended whole."""
    keys = ("SLURM_JOB_ID", "CUDA_VISIBLE_DEVICES")
    line = {"time": time.time(), "event": event, "words": words}
    with open(FOLDER / "calls", "a") as file:
        file.write(json.dumps({**line, **{key: os.environ.get(key) for key in keys}}) + "\n")


def eat() -> None:
    """Take memory until the scheduler ends this process."""
    taken = []
    while sum(map(len, taken)) < MOST:
        taken.append(bytearray(os.urandom(1 << 20)) * 256)
        time.sleep(0.02)
    time.sleep(20)


def hold_after_first_batch(shard: str) -> None:
    """Let the shard's prediction wait in its middle."""
    from genometracks.predict import predict

    whole = predict.ShardPrediction.pieces

    def pieces(prediction):
        for i, piece in enumerate(whole(prediction)):
            yield piece
            if i == 0:
                note("held", [shard])
            while (FOLDER / f"hold-{shard}").exists():
                time.sleep(0.1)

    predict.ShardPrediction.pieces = pieces


def main() -> int:
    words = sys.argv[1:]
    note("start", words)
    if words[0] == "predict":
        shard = words[words.index("--shard") + 1]
        if (FOLDER / f"eat-{shard}").exists():
            (FOLDER / f"eat-{shard}").unlink()
            eat()
        if (FOLDER / f"hold-{shard}").exists():
            hold_after_first_batch(shard)
    from genometracks.cli import main as run

    status = run(words)
    note("end", words)
    return status


if __name__ == "__main__":
    sys.exit(main())
