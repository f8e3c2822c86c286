"""A killed run leaves nothing half-written; the next run gives the bytes of an undisturbed one.

220 kills: 200 before or after a call that changes files, 20 at a random time.
"""

import random
import shutil
import time

import pytest

from genometracks.config.folders import RunFolder
from genometracks.export.seals import find_change, list_seals, load_seals
from genometracks.shards.sidecar import read_sidecar
from toys import Run

KILLS = 50


def is_leftover(path) -> bool:
    return any(part.endswith(".part") for part in path.parts)


def read_files(folder) -> dict[str, bytes]:
    """Read every file that has its final name, except seals (of times) and progress."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.parent.name not in ("seals", "progress")
        if not is_leftover(path.relative_to(folder))
    }


class Scene:
    """A run, and an older run with another trim whose results may be in its place."""

    def __init__(self, run: Run, older: Run, warm) -> None:
        self.run, self.plan, self.warm = run, run.plan(), warm
        self.inputs = set(read_files(run.folder))
        self.commands = run.list_commands()
        start = time.monotonic()
        self.steps = self.finish().steps
        self.seconds = time.monotonic() - start
        self.right = read_files(run.folder)
        self.results = {name for name in self.right if not name.startswith("work/")}
        older.plan()
        assert not warm.run(*older.list_commands()).status
        self.older, self.stale = older, read_files(older.folder)
        assert {len(self.right), len(self.stale)} == {19} and self.inputs < set(self.stale)

    def finish(self, **how):
        """Run every command; `how` may have it killed."""
        return self.warm.run(*self.commands, **how)

    def reset(self, *, stale: bool) -> None:
        """Remove the results, or put those of the older run in their place."""
        for name in set(read_files(self.run.folder)) - self.inputs:
            (self.run.folder / name).unlink()
        shutil.rmtree(self.run.folder / "parquet")
        if stale:
            for name in set(self.stale) - self.inputs:
                (self.run.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(self.older.folder / name, self.run.folder / name)

    def check_nothing_is_half_written(self) -> None:
        found = read_files(self.run.folder)
        for name, data in found.items():
            assert data in (self.right[name], self.stale[name]), name
        table = {name: data for name, data in found.items() if name.startswith("parquet/")}
        for whole in (self.right, self.stale):
            if table and table.items() <= whole.items():
                assert len(table) == 4
                break
        else:
            assert not table
        for shard in self.plan.shards:
            if read_sidecar(self.run.shards(), self.plan, shard) is not None:
                name = f"work/shards/{shard.id}.npy"
                assert found[name] == self.right[name]

    def check_all_is_right(self) -> None:
        assert read_files(self.run.folder) == self.right
        assert not [path for path in self.run.folder.rglob("*") if is_leftover(path)]
        folder = RunFolder(self.run.folder)
        sealed = [each for path in list_seals(folder) for each in load_seals(path)]
        assert {each.file for each in sealed} == self.results
        assert not [each for each in sealed if find_change(folder.path, each)]


@pytest.fixture
def scene(make_run, warm) -> Scene:
    return Scene(make_run(shards=3), make_run("older", shards=3, trim=1), warm)


@pytest.mark.parametrize("seed", range(4))
def test_a_run_killed_at_any_step_resumes_to_the_same_bytes(scene, seed):
    rng = random.Random(seed)
    kills = 0
    while kills < KILLS:
        ended = scene.finish(at=rng.randint(1, scene.steps), after=rng.random() < 0.5)
        if ended.status < 0:
            kills += 1
            scene.check_nothing_is_half_written()
        else:
            assert ended.status == 0, ended.err
            scene.check_all_is_right()
            scene.reset(stale=rng.random() < 0.5)
    assert scene.finish().status == 0
    scene.check_all_is_right()


def test_a_run_killed_at_any_time_resumes_to_the_same_bytes(scene):
    rng = random.Random(4)
    for i in range(20):
        scene.reset(stale=i % 2 == 1)
        assert scene.finish(seconds=rng.random() * scene.seconds).status <= 0
        scene.check_nothing_is_half_written()
        ended = scene.finish()
        assert ended.status == 0, ended.err
        scene.check_all_is_right()
