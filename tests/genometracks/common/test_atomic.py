"""A file appears whole or not at all, whatever happens to the disk or the process."""

import os
import resource
import subprocess
import sys

import pytest

from genometracks.cli import main
from genometracks.common.atomic import build_folder, write_atomically
from genometracks.errors import UserError
from toys import random_bases


def test_a_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "new" / "file"
    with write_atomically(path) as file:
        file.write(b"data")
        assert not path.exists()
    assert path.read_bytes() == b"data" and os.listdir(path.parent) == ["file"]
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask


def test_an_error_leaves_the_older_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), write_atomically(path) as file:
        file.write(b"new")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]


def test_leftovers_of_a_killed_process_are_removed(tmp_path):
    (tmp_path / ".file.abc.part").write_bytes(b"half")
    (tmp_path / ".file2.abc.part").write_bytes(b"another's")
    with write_atomically(tmp_path / "file"):
        pass
    assert sorted(os.listdir(tmp_path)) == [".file2.abc.part", "file"]


def test_a_file_that_another_process_is_writing_is_not_touched(tmp_path):
    with write_atomically(tmp_path / "file") as first:
        first.write(b"data")
        with write_atomically(tmp_path / "file") as second:
            second.write(b"data")
        assert len(os.listdir(tmp_path)) == 2  # the second's file, and the first's temporary one
    assert os.listdir(tmp_path) == ["file"] and (tmp_path / "file").read_bytes() == b"data"


def test_a_folder_appears_when_the_block_ends_in_place_of_the_older_one(tmp_path):
    path = tmp_path / "folder"
    for name in ("old", "new"):
        with build_folder(path) as building:
            (building / name).write_bytes(b"data")
            assert not (path / name).exists()
    assert os.listdir(tmp_path) == ["folder"] and os.listdir(path) == ["new"]
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o777 & ~mask


def test_an_error_leaves_the_older_folder(tmp_path):
    with build_folder(tmp_path / "folder") as building:
        (building / "old").write_bytes(b"data")
    with pytest.raises(ZeroDivisionError), build_folder(tmp_path / "folder") as building:
        (building / "new").write_bytes(b"data")
        raise ZeroDivisionError
    assert os.listdir(tmp_path) == ["folder"] and os.listdir(tmp_path / "folder") == ["old"]


def test_leftover_folders_of_a_killed_process_are_removed(tmp_path):
    (tmp_path / ".folder.abc.part").mkdir()
    (tmp_path / ".folder.abc.part" / "half").write_bytes(b"half")
    with build_folder(tmp_path / "folder"):
        with build_folder(tmp_path / "folder") as second:
            (second / "data").write_bytes(b"")
        (tmp_path / "folder" / "data").unlink()
    assert os.listdir(tmp_path) == ["folder"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with (
        pytest.raises(UserError, match="file/x: cannot be written: (Not a directory|File exists)"),
        write_atomically(tmp_path / "file" / "x"),
    ):
        pass


def limit_file_size() -> None:
    """Simulate a full disk: writes past 100 kB fail."""
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


@pytest.mark.parametrize("command", ["predict", "bigwig", "parquet"])
def test_a_full_disk_is_a_one_line_error_and_leaves_nothing(make_run, command):
    run = make_run(sequences={"a": random_bases(140_000, seed=0)}, shards=1)
    run.plan()
    words = [command, "--plan", str(run.work / "plan.json")]
    if command == "predict":
        words += ["--shard", "0", "--fasta", str(run.work / "genome.fa"), "--device", "cpu"]
        out = run.shards()
    else:
        run.predict()
        out = run.folder / command
        words += ["--out", str(out)] if command == "parquet" else []
    done = subprocess.run(
        [sys.executable, "-m", "genometracks.cli", *words],
        preexec_fn=limit_file_size,
        capture_output=True,
        text=True,
    )
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1 and last.startswith(f"genometracks {command}: "), done.stderr
    assert "cannot be written: " in last and "File too large" in last
    assert not [path for path in out.parent.rglob("*") if ".part" in path.name]
    assert not out.exists() or not os.listdir(out)


def test_a_missing_plan_is_a_one_line_error(tmp_path, capsys):
    assert main(["merge", "--plan", str(tmp_path / "plan.json"), "--out", str(tmp_path / "m")]) == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith(f"genometracks merge: {tmp_path}/plan.json: no usable plan")
