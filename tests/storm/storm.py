"""SIGKILLs over whole runs: each run must end with the bytes of an undisturbed one.

`make storm` runs this file. In two of three runs, kills hit the stages: before or after a call that
changes files, between a rename and the flush of its folder, at a random time, or in two predictions
at once. In the third, they hit Snakemake, with its jobs or alone, so that its jobs go on. The kills
depend on the seed and the number of the run: `--seed S --first N` repeats run N.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from scene import RESULTS, Scene
from warm import Ended, Warm

RENAMES = ["replace", "rename"]
SNAKEMAKE_EVERY = 3
"""One whole run of this many is one of Snakemake; it takes fewer kills than the others."""


@dataclass
class Storm:
    """Kills over whole runs of a scene.

    Attributes
    ----------
    scene : Scene
    seed : int
    kills : Counter
        Kind -> number of kills so far.
    runs : int
        Whole runs that ended with the right bytes.
    """

    scene: Scene
    seed: int
    kills: Counter = field(default_factory=Counter)
    runs: int = 0

    def rage(self, *, kills: int, until: float = float("inf"), first: int = 0) -> None:
        """Kill until the number is reached, or the time (monotonic); the last run is completed.

        Raises
        ------
        AssertionError
            If a run does not end with the right bytes. The message names seed and run.
        """
        number = first
        while self.kills.total() < kills and time.monotonic() < until:
            rng = random.Random(f"{self.seed}:{number}")
            before = self.kills.copy()
            try:
                self.scene.reset(stale=rng.random() < 0.5)
                if number % SNAKEMAKE_EVERY:
                    self._run_commands(rng)
                else:
                    self._run_snakemake(rng)
                self.scene.check_finished()
            except AssertionError as error:
                hit = dict(self.kills - before)
                raise AssertionError(
                    f"--seed {self.seed} --first {number}: after kills of {hit}: {error}"
                ) from error
            self.runs += 1
            print(f"run {number}: right after {(self.kills - before).total()} kills", flush=True)
            number += 1

    def _count(self, kind: str) -> None:
        self.kills[kind] += 1
        self.scene.check_nothing_is_half_written()

    def _run_commands(self, rng: random.Random) -> None:
        """Run the commands in order; each is repeated until it is not killed."""
        commands, position = self.scene.commands, 0
        while position < len(commands):
            pair = [words[0] for words in commands[position : position + 2]]
            if pair == ["predict", "predict"] and rng.random() < 0.3:
                position += 2 * self._predict_two(position, rng)
                continue
            kind, how = self._aim(position, rng)
            if self._run(position, kind=kind, **how):
                position += 1
            elif rng.random() < 0.1:
                position = 0  # the next attempt repeats stages that are complete

    def _aim(self, position: int, rng: random.Random) -> tuple[str, dict]:
        """How the next attempt of a command is killed; it may end before."""
        draw, steps = rng.random(), self.scene.steps[position]
        if draw < 0.3:
            return "nothing", {}
        if draw < 0.45:
            return "rename", {"only": RENAMES, "at": rng.randint(1, 3), "after": True}
        if draw < 0.55:
            return "time", {"seconds": max(0.01, rng.random() * self.scene.durations[position])}
        return "step", {"at": rng.randint(1, steps), "after": rng.random() < 0.5}

    def _run(self, position: int, *, kind: str, **how) -> bool:
        """Run a command; whether it was completed."""
        ended = self._start(position, **how)
        if ended.status < 0:
            self._count(kind)
        return ended.status == 0

    def _start(self, position: int, **how) -> Ended:
        words = self.scene.commands[position]
        ended = self.scene.warm.run(words, folder=str(self.scene.folder), **how)
        assert ended.status <= 0, f"{' '.join(words[:1])} failed: {ended.err}"
        return ended

    def _predict_two(self, position: int, rng: random.Random) -> bool:
        """Predict two shards at the same time, each killed at a step; whether both are complete."""
        hows = [self._aim(each, rng)[1] for each in (position, position + 1)]
        with ThreadPoolExecutor(2) as threads:
            jobs = [
                threads.submit(self._start, each, **how)
                for each, how in zip((position, position + 1), hows, strict=True)
            ]
        ended = [job.result() for job in jobs]
        for each in ended:
            if each.status < 0:
                self._count("two at once")
        return all(each.status == 0 for each in ended)

    def _run_snakemake(self, rng: random.Random) -> None:
        """Run Snakemake; each attempt but the last is killed at a random time."""
        scene, attempts = self.scene, 1 + rng.randint(1, 4)
        for attempt in range(attempts):
            process = scene.snakemake(scene.folder)
            seconds = rng.random() * scene.seconds if attempt + 1 < attempts else None
            try:
                _, err = process.communicate(timeout=seconds)
                assert process.returncode == 0, f"Snakemake failed: {err.decode()}"
            except subprocess.TimeoutExpired:
                alone = rng.random() < 0.3
                (os.kill if alone else os.killpg)(process.pid, signal.SIGKILL)
                process.wait()
                process.stderr.close()
                self._count("Snakemake alone" if alone else "Snakemake and its jobs")
                unlocked = scene.snakemake(scene.folder, "--unlock")
                assert unlocked.wait() == 0, unlocked.stderr.read().decode()
                unlocked.stderr.close()


def describe(storm: Storm, seconds: float) -> str:
    """Describe the kills and the runs."""
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in storm.kills.most_common())
    return (
        f"{storm.kills.total():,} kills ({kinds}) in {storm.runs:,} whole runs, "
        f"{seconds / 60:.1f} minutes: every run ended with the bytes of an undisturbed one"
    )


def main() -> None:
    """Run a storm; the folder of a failed run is kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=1000, help="number of kills [%(default)s]")
    parser.add_argument("--minutes", type=float, default=20, help="at most [%(default)s]")
    parser.add_argument("--seed", type=int, default=0, help="[%(default)s]")
    parser.add_argument("--first", type=int, default=0, help="number of the first run [0]")
    options = parser.parse_args()
    start, folder = time.monotonic(), Path(tempfile.mkdtemp(prefix="storm."))
    print(f"seed {options.seed}, in {folder}", flush=True)
    with Warm() as warm:
        storm = Storm(Scene(folder / "scene", warm), options.seed)
        until = start + 60 * options.minutes
        try:
            storm.rage(kills=options.kills, until=until, first=options.first)
        except AssertionError as error:
            sys.exit(f"{error}\nthe run is kept in {storm.scene.folder / RESULTS}")
    print(describe(storm, time.monotonic() - start))
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
