"""Tracks are divided among processes: the bytes are the same, and one that fails ends all."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pybigtools
import pyBigWig
import pytest

from genometracks.cli import main
from genometracks.common.processes import run_side_by_side
from genometracks.errors import UserError
from genometracks.export import bigwigs as bigwig_tracks
from genometracks.export.bigwigs import cut_blocks
from genometracks.plan.plan import Plan
from genometracks.shards.merge import check_shards, read_tracks
from genometracks.shards.shard import write_shard
from genometracks.shards.sidecar import Notes
from toys import make_words, random_bases


def written(run) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (run.folder / "bigwig").iterdir()}


@pytest.fixture
def half_run(make_run):
    """A run of three shards and three tracks in float16, predicted."""
    run = make_run(shards=3, dtype="float16")
    run.plan()
    run.predict()
    return run


def test_any_number_of_processes_writes_the_same_bytes(half_run, monkeypatch):
    contents = []
    for threads in (1, 2, 9):
        half_run.command("bigwig", plan=half_run.work / "plan.json", threads=threads)
        contents.append(written(half_run))
    monkeypatch.setattr(bigwig_tracks, "BLOCK", 1)
    half_run.command("bigwig", plan=half_run.work / "plan.json")
    contents.append(written(half_run))
    assert sorted(contents[0]) == ["one.bw", "three.bw", "two_.._etc.bw"]
    assert all(content == contents[0] for content in contents)


def test_other_readers_find_the_values_of_the_shards(half_run):
    half_run.command("bigwig", plan=half_run.work / "plan.json", threads=2)
    plan = Plan.load(half_run.work / "plan.json")
    sidecars = check_shards(plan, half_run.shards())
    expected: dict = {}
    for contig, first, values in read_tracks(
        plan, half_run.shards(), sidecars=sidecars, rows=range(2, 3)
    ):
        assert values.dtype == np.float16
        for k, value in enumerate(values[0].tolist(), start=first):
            end = min(4 * k + 4, plan.lengths[contig])
            expected.setdefault(contig, []).append((4 * k, end, value))
    path = str(half_run.folder / "bigwig" / "three.bw")
    second = pybigtools.open(path)
    with pyBigWig.open(path) as first:
        for contig, rows in expected.items():
            assert list(first.intervals(contig)) == rows == list(second.records(contig))
    assert sum(map(len, expected.values())) == plan.bins


@pytest.mark.parametrize("threads", [1, 3])
def test_a_damaged_shard_is_a_one_line_error_and_leaves_no_file(half_run, capfd, threads):
    data = half_run.shards() / "1.npy"
    broken = bytearray(data.read_bytes())
    broken[-5] ^= 1  # in the last track's row
    data.write_bytes(broken)
    words = ["bigwig", "--plan", str(half_run.work / "plan.json"), "--threads", str(threads)]
    capfd.readouterr()
    assert main(words) == 1
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2 and "started bigwig" in lines[0]
    assert lines[1].startswith(f"genometracks bigwig: {data}: the data changed since it was")
    left = set(written(half_run))
    assert "three.bw" not in left and left <= {"one.bw", "two_.._etc.bw"}


def end_badly(folder: Path, kind: str, other: bool) -> None:
    """The work of a process: one fails, the other would take very long."""
    (folder / f"{os.getpid()}.started").touch()
    if other:
        time.sleep(600)
    while len(list(folder.glob("*.started"))) < 2:
        time.sleep(0.01)
    if kind == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    raise {"user": UserError("bad input"), "disk": OSError(28, "full"), "bug": ValueError}[kind]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("user", "^bad input$"),
        ("disk", r"^\[Errno 28\] full$"),
        ("bug", "^a process ended with status 1: its error is above$"),
        ("killed", r"^a process was killed \(SIGKILL\): memory may be exhausted: lower"),
    ],
)
def test_a_process_that_fails_ends_the_others(tmp_path, kind, message):
    start = time.monotonic()
    with pytest.raises(UserError, match=message):
        run_side_by_side(end_badly, [(tmp_path, kind, other) for other in (False, True)])
    assert time.monotonic() - start < 300
    for started in tmp_path.glob("*.started"):
        with pytest.raises(ProcessLookupError):
            os.kill(int(started.stem), 0)


SLOW = """
import sys, time
from pathlib import Path
from genometracks.common.atomic import write_atomically
from genometracks.common.processes import run_side_by_side
from genometracks.shards.shard import write_shard

def work(name):
    with write_atomically(Path(name)) as file:
        file.write(b"half")
        file.flush()
        Path(name + ".started").touch()
        time.sleep(600)

if __name__ == "__main__":
    run_side_by_side(work, [(name,) for name in sys.argv[1:]])
"""


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_processes_end_when_their_parent_is_killed(tmp_path, sign):
    (tmp_path / "slow.py").write_text(SLOW)
    names = [str(tmp_path / name) for name in "ab"]
    parent = subprocess.Popen([sys.executable, tmp_path / "slow.py", *names])
    try:
        wait_for(lambda: len(list(tmp_path.glob("*.started"))) == 2)
        parent.send_signal(sign)
        parent.wait(60)
        # Each removes its unfinished file.
        wait_for(lambda: not list(tmp_path.glob(".*.part")))
    finally:
        parent.kill()
    assert not (tmp_path / "a").exists() and not (tmp_path / "b").exists()


def wait_for(holds) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_leftovers_of_a_killed_process_are_removed(half_run, monkeypatch):
    folder = half_run.folder / "bigwig"

    def be_killed(work, shares):
        folder.mkdir()
        (folder / ".three.bw.abc.part").write_bytes(b"half")
        raise UserError("a process was killed")

    monkeypatch.setattr(bigwig_tracks, "run_side_by_side", be_killed)
    assert main(["bigwig", "--plan", str(half_run.work / "plan.json")]) == 1
    assert written(half_run) == {}


def test_more_shards_do_not_hold_more_files_open(make_run):
    run = make_run(shards=200, batch_size=1, dtype="float16")
    plan = run.plan()
    for shard in plan.shards:
        bins = sum(last - first for _, first, last in plan.shard_bins(shard))
        pieces = iter([np.full((3, bins), 0.5, np.float32)])
        write_shard(run.shards(), plan, shard, pieces=pieces, notes=Notes)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Three bigWigs with their zoom levels are open; shards are opened one by one.
    room = len(os.listdir("/proc/self/fd")) + 40
    resource.setrlimit(resource.RLIMIT_NOFILE, (room, limits[1]))
    try:
        run.command("merge", plan=run.work / "plan.json", out=run.work / "merge.json")
        run.command("bigwig", plan=run.work / "plan.json")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert len(written(run)) == 3


@pytest.mark.parametrize("processes", [1, 2, 7])
@pytest.mark.parametrize("tracks", [1, 2, 16, 17, 48, 7611])
def test_blocks_hold_every_track_once_and_share_the_work(tracks, processes):
    blocks = cut_blocks(range(64, 64 + tracks), processes)
    assert [row for block in blocks for row in block] == list(range(64, 64 + tracks))
    sizes = [len(block) for block in blocks]
    assert max(sizes) <= 16 and max(sizes) - min(sizes) <= 1 and min(sizes) >= 1
    shares = [sum(sizes[i::processes]) for i in range(processes)]
    assert max(shares) - min(shares) <= len(blocks) // processes + 1


def test_a_contig_that_no_bigwig_can_hold_is_refused_before_the_prediction(make_run, capsys):
    run = make_run(sequences={"a": random_bases(300, seed=0)}, shards=1)
    run.plan()
    plan = run.work / "plan.json"
    fields = json.loads(plan.read_text())
    fields["genome"]["contigs"][0]["length"] = 2**32
    plan.write_text(json.dumps(fields))
    words = make_words("tracks", settings={"bigwig": True}, plan=plan, out=run.folder / "t.tsv")
    assert main(words) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "genometracks tracks: contig a of 4,294,967,296 bp: a bigWig holds at most 4,294,967,295 "
        "bp: set output.bigwig to false, or leave the contig out (genome.contigs)"
    )
    words = make_words("tracks", settings={"bigwig": False}, plan=plan, out=run.folder / "t.tsv")
    assert main(words) == 0
