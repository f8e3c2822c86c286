"""Changed files, full disks, folders without permission: the right bytes, or one clear error."""

import json
import os
import random
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from genometracks.cli import main
from genometracks.errors import UserError
from genometracks.plan.plan import Plan
from genometracks.shards.merge import check_shards, read_tracks
from genometracks.shards.shard import shard_paths
from toys import make_words

pytestmark = pytest.mark.filterwarnings("ignore:Index file .* is older than FASTA:RuntimeWarning")


def read_all(run) -> bytes:
    """All values of all tracks, as merging reads them."""
    plan = Plan.load(run.work / "plan.json")
    sidecars = check_shards(plan, run.shards())
    stream = read_tracks(plan, run.shards(), sidecars=sidecars, rows=range(len(plan.tracks)))
    return b"".join(values.tobytes() for _, _, values in stream)


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


def leftovers(run) -> list:
    return [path for path in run.folder.rglob("*") if path.name.endswith(".part")]


@pytest.mark.parametrize("part", ["values", "header", "sidecar"])
def test_a_flipped_bit_anywhere_in_a_shard_is_found(run, part):
    right, rng = read_all(run), random.Random(part)
    found = 0
    for _ in range(300):
        shard = rng.choice("012")
        data, sidecar = shard_paths(run.shards(), shard)
        path = sidecar if part == "sidecar" else data
        sound = path.read_bytes()
        start, end = {"values": (128, len(sound)), "header": (0, 128), "sidecar": (0, len(sound))}[
            part
        ]
        broken = bytearray(sound)
        broken[rng.randrange(start, end)] ^= 1 << rng.randrange(8)
        path.write_bytes(broken)
        try:
            # Only white space of the JSON may change unnoticed.
            assert read_all(run) == right and part == "sidecar"
            assert re.sub(rb"\s", b"", broken) == re.sub(rb"\s", b"", sound)
        except UserError as error:
            found += 1
            assert str(error).startswith(f"{data}: ") and "delete " in str(error)
        path.write_bytes(sound)
    assert found > 250


def cut(data, sidecar, other):
    data.write_bytes(data.read_bytes()[: np.random.default_rng(0).integers(data.stat().st_size)])


def cut_sidecar(data, sidecar, other):
    sidecar.write_bytes(sidecar.read_bytes()[:-9])


def lose_data(data, sidecar, other):
    data.unlink()


def lose_sidecar(data, sidecar, other):
    sidecar.unlink()


def empty_both(data, sidecar, other):
    data.write_bytes(b"")
    sidecar.write_bytes(b"")


def take_another_shard(data, sidecar, other):
    for path in (data, sidecar):
        shutil.copy(path.with_stem("0"), path)


def take_another_plans_shard(data, sidecar, other):
    for path in (data, sidecar):
        shutil.copy(other.shards() / path.name, path)


def take_another_plans_data(data, sidecar, other):
    shutil.copy(other.shards() / data.name, data)


ACCIDENTS = [cut, cut_sidecar, lose_data, lose_sidecar, empty_both]
ACCIDENTS += [take_another_shard, take_another_plans_shard, take_another_plans_data]


@pytest.mark.parametrize("accident", ACCIDENTS, ids=lambda function: function.__name__)
def test_a_damaged_shard_is_refused_and_predicted_again(run, make_run, accident):
    right = read_all(run)
    other = make_run("other", shards=3, precision="bf16")
    other.plan()
    other.predict("1")
    accident(*shard_paths(run.shards(), "1"), other)
    with pytest.raises(UserError, match=r"1\.npy: .*delete (it|this file) and run again"):
        read_all(run)
    if accident is take_another_plans_data:  # of the right size: found only when it is read
        shard_paths(run.shards(), "1")[0].unlink()
    run.predict()
    assert read_all(run) == right


def change_a_base(fasta, index):
    bases = bytearray(fasta.read_bytes())
    place = bases.index(b">tiny\n") + 8
    bases[place] = ord("A") if bases[place] != ord("A") else ord("C")
    fasta.write_bytes(bases)


def truncate(fasta, index):
    os.truncate(fasta, fasta.stat().st_size - 5)


def replace(fasta, index):
    fasta.write_bytes(b">chr1\nACGT\n")


def shift_index(fasta, index):
    rows = [row.split("\t") for row in index.read_text().splitlines()]
    index.write_text("".join("\t".join([*row[:2], "7", *row[3:]]) + "\n" for row in rows))


def cut_index(fasta, index):
    index.write_text("".join(index.read_text().splitlines(keepends=True)[:1]))


@pytest.mark.parametrize(
    "change",
    [change_a_base, truncate, replace, cut_index],
    ids=lambda function: function.__name__,
)
def test_a_genome_that_changed_after_the_plan_is_refused(make_run, capsys, change):
    run = make_run(shards=3)
    plan = run.plan()
    assert "tiny" in plan.shard_contigs(plan.shards[2])
    fasta = run.work / "genome.fa"
    change(fasta, run.work / "genome.fa.fai")
    assert main(run.list_commands()[2]) == 1
    line = last_line(capsys.readouterr().err)
    expected = r": contig \S+ changed since the plan was made: delete this file and run again"
    assert re.fullmatch(re.escape(f"genometracks predict: {fasta}") + expected, line)
    assert not run.shards().exists()


def test_a_genome_with_another_index_is_refused(make_run, capsys):
    run = make_run(shards=3)
    run.plan()
    index = run.work / "genome.fa.fai"
    shift_index(run.work / "genome.fa", index)
    assert main(run.list_commands()[2]) == 1
    assert last_line(capsys.readouterr().err) == (
        f"genometracks predict: {index}: no usable index (line 1 is not that of a normalised "
        "FASTA): delete it and run again"
    )
    assert not run.shards().exists()


def test_shards_that_do_not_read_the_changed_contig_are_predicted(make_run):
    run = make_run(shards=3)
    plan = run.plan()
    change_a_base(run.work / "genome.fa", None)
    assert "tiny" not in plan.shard_contigs(plan.shards[0])
    run.predict("0")
    assert shard_paths(run.shards(), "0")[1].exists()


def test_a_damaged_index_is_a_one_line_error(make_run, capsys):
    run = make_run()
    run.plan()
    (run.work / "genome.fa.fai").write_text("chr1 5\n")
    assert main(run.list_commands()[0]) == 1
    line = last_line(capsys.readouterr().err)
    assert line.startswith(f"genometracks predict: {run.work}/genome.fa.fai: no usable index (")
    assert line.endswith("): delete it and run again")


def stage_words(run, command: str) -> tuple[list[str], list]:
    """Arguments of a stage whose inputs exist, and the files that it writes."""
    work, plan = run.work, run.work / "plan.json"
    model = {"weights": str(run.weights), "architecture": None, "window": None}
    model |= {"activation": None, "sha256": None, "tracks": None}
    genome = {"fasta": str(run.fasta), "name": None, "contigs": ["*"]}
    options, outputs = {
        "model": ({"settings": model, "out": work / "new.json"}, []),
        "genome": (
            {"settings": genome, "fasta": work / "new.fa", "out": work / "new.json"},
            ["new.fa.fai", "new.fa"],
        ),
        "plan": (
            {
                "settings": run.planned,
                "model": work / "model.json",
                "genome": work / "genome.json",
                "out": work / "new.json",
            },
            [],
        ),
        "tracks": ({"settings": {"bigwig": True}, "plan": plan, "out": work / "new.json"}, []),
        "merge": ({"plan": plan, "out": work / "new.json"}, []),
    }[command]
    return make_words(command, **options), [work / name for name in [*outputs, "new.json"]]


@pytest.mark.parametrize("command", ["model", "genome", "plan", "tracks", "merge"])
def test_a_full_disk_is_a_one_line_error_and_leaves_nothing(run, warm, command):
    words, outputs = stage_words(run, command)
    before = set(run.folder.rglob("*"))
    ended = warm.run(words, limit=40)
    assert ended.status == 1
    line = last_line(ended.err)
    assert line.startswith(f"genometracks {command}: {run.work}/new.") and "File too large" in line
    assert set(run.folder.rglob("*")) == before
    assert warm.run(words).status == 0 and all(path.exists() for path in outputs)


@pytest.mark.parametrize("place", ["folder", "its parent"])
@pytest.mark.parametrize("command", ["predict", "merge", "bigwig", "parquet"])
def test_a_folder_without_write_permission_is_a_one_line_error(make_run, warm, command, place):
    run = make_run(shards=1)
    run.plan()
    words = next(words for words in run.list_commands() if words[0] == command)
    folder = {"predict": run.shards(), "merge": run.work}.get(command, run.folder / command)
    if command != "predict":
        run.predict()
    folder.mkdir(exist_ok=True)
    closed = folder if place == "folder" and command != "parquet" else folder.parent
    if closed != folder and command != "merge":
        folder.rmdir()
    elif closed != folder:
        words[-1] = str(run.folder / "merge.json")
    closed.chmod(0o555)
    try:
        ended = warm.run(words, heed=True)
    finally:
        closed.chmod(0o755)
    line = last_line(ended.err)
    assert ended.status == 1 and line.startswith(f"genometracks {command}: {closed}/")
    assert "cannot be written: Permission denied: check the folder's permissions" in line
    assert not leftovers(run)
    assert warm.run(words).status == 0


@pytest.mark.parametrize("command", ["predict", "bigwig", "parquet"])
def test_a_file_in_place_of_a_folder_is_a_one_line_error(make_run, capsys, command):
    run = make_run(shards=1)
    run.plan()
    words = next(words for words in run.list_commands() if words[0] == command)
    folder = run.shards() if command == "predict" else run.folder / command
    if command != "predict":
        run.predict()
    folder.write_bytes(b"mine")
    assert main(words) == 1
    line = last_line(capsys.readouterr().err)
    assert line.startswith(f"genometracks {command}: {folder}") and "cannot be written" in line
    assert folder.read_bytes() == b"mine" and not leftovers(run)


def list_files(folder: Path) -> set[Path]:
    """All files except seals, which hold modification times."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path for path in files if path.parent.name != "seals"}


@pytest.mark.parametrize("command", ["predict", "merge", "bigwig", "parquet"])
def test_two_processes_may_write_the_same_output_at_once(make_run, warm, tmp_path, command):
    run = make_run(shards=1)
    run.plan()
    words = next(words for words in run.list_commands() if words[0] == command)
    if command != "predict":
        run.predict()
    before = list_files(run.folder)
    steps = warm.run(words).steps
    new = list_files(run.folder) - before
    right = {path: path.read_bytes() for path in new}
    rng, pipe = random.Random(command), tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as thread:
        for _ in range(12):
            for path in right:
                path.unlink()
            at, after = rng.randint(1, steps - 1), rng.random() < 0.5
            first = thread.submit(warm.run, words, at=at, after=after, hold=str(pipe))
            with open(pipe, "w"):  # the first has reached its step, and waits
                assert warm.run(words).status == 0
            ended = first.result()
            if command == "parquet" and ended.status:  # the other's folder is already there
                assert "cannot be written: Directory not empty" in last_line(ended.err)
            else:
                assert ended.status == 0, ended.err
            assert {path: path.read_bytes() for path in right} == right
            assert list_files(run.folder) == before | new
    if command == "predict":
        assert json.loads(shard_paths(run.shards(), "0")[1].read_text())["shard"] == "0"
