"""Replaces `genometracks` in a job: logs the call, and causes the trouble that a test requests.

In the folder $TROUBLE, `hold-{shard}` makes a prediction wait after its first batch as long as the
file exists, `eat-{shard}` makes the next prediction allocate memory until it is killed,
`fail-{shard}` makes the next prediction fail, and `broken-{shard}` all of them.
"""

import json
import os
import sys
import time
from pathlib import Path

FOLDER = Path(os.environ["TROUBLE"])
MOST = 12 << 30
"""Bytes, more than any job gets."""


def note(event: str, words: list[str]) -> None:
    """Append a line to the calls; appending a short line is atomic."""
    keys = ("SLURM_JOB_ID", "CUDA_VISIBLE_DEVICES")
    line = {"time": time.time(), "event": event, "words": words}
    with open(FOLDER / "calls", "a") as file:
        file.write(json.dumps({**line, **{key: os.environ.get(key) for key in keys}}) + "\n")


def eat() -> None:
    """Allocate memory until the scheduler kills this process."""
    taken = []
    while sum(map(len, taken)) < MOST:
        taken.append(bytearray(os.urandom(1 << 20)) * 256)
        time.sleep(0.02)
    time.sleep(20)


def hold_after_first_batch(shard: str) -> None:
    """Make the prediction of a shard wait after its first batch."""
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


def fail(shard: str) -> bool:
    """Whether the prediction of a shard must fail: then it has written why."""
    once = FOLDER / f"fail-{shard}"
    if not (once.exists() or (FOLDER / f"broken-{shard}").exists()):
        return False
    once.unlink(missing_ok=True)
    print("genometracks predict: no such luck", file=sys.stderr)
    return True


def main() -> int:
    words = sys.argv[1:]
    note("start", words)
    if words[0] == "predict":
        shard = words[words.index("--shard") + 1]
        if fail(shard):
            return 1
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
