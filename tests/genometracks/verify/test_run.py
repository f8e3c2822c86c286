"""`genometracks verify`: a finished run is proved, and any later change is found."""

import json
import os
import shutil
from pathlib import Path

import pytest

from genometracks.cli import main

AGAIN = "delete it and run again"
CHANGED = "its content changed since it was written"


def flip(path: Path, *, byte: int = -1) -> None:
    """Flip a bit of a file; its size and modification time stay."""
    state = path.stat()
    data = bytearray(path.read_bytes())
    data[byte] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def verify(folder: Path, capsys, *words: str) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of the command."""
    capsys.readouterr()
    status = main(["verify", str(folder), *words])
    return status, *capsys.readouterr()


def test_a_finished_run_is_sound(finished, capsys, tmp_path):
    status, out, err = verify(finished, capsys, "--json", str(tmp_path / "v.json"))
    # 3 bigWigs, 4 contigs in the table, tracks.tsv, manifest, RO-Crate and summary; the FASTA, its
    # normalised copy and the weights.
    line = f"{finished}: 11 results, 3 shards, 3 inputs, "
    assert (status, err) == (0, "") and out.startswith(line)
    assert out.endswith(": all as they were written\n") and out.count("\n") == 1
    found = json.loads((tmp_path / "v.json").read_text())
    assert found["sound"] and found["runs"][0]["damaged"] == found["runs"][0]["absent"] == []
    assert found["runs"][0]["checked"] == {"result": 11, "shard": 3, "input": 3}
    assert found["runs"][0]["bytes"] > 10_000


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("bigwig/one.bw", CHANGED),
        ("parquet/chrom=chr1/part-0.parquet", CHANGED),
        ("tracks.tsv", CHANGED),
        ("manifest.json", CHANGED),
        ("ro-crate-metadata.json", CHANGED),
        ("summary.txt", CHANGED),
        ("work/shards/1.npy", "the data changed since it was written"),
        ("work/shards/1.json", "the shard is incomplete, of another plan, or damaged"),
        ("work/seals/bigwig.json", "no usable seals (damaged)"),
    ],
)
def test_a_flipped_bit_is_found_and_the_file_is_named(finished, capsys, tmp_path, name, problem):
    path = finished / name
    flip(path, byte=-40 if name.endswith(".json") else -3)
    status, out, err = verify(finished, capsys, "--json", str(tmp_path / "v.json"))
    assert status == 1
    named = path.with_suffix(".npy") if name.startswith("work/shards") else path
    assert f"{named}: {problem}" in out and "and run again" in out
    assert "damaged\n" in out
    assert err == "genometracks verify: 1 of the files above are not as they were written\n"
    found = json.loads((tmp_path / "v.json").read_text())
    assert not found["sound"]
    assert [each["file"] for each in found["runs"][0]["damaged"]] == [str(named)]


@pytest.mark.parametrize("what", ["fasta", "normalised", "weights"])
def test_a_changed_input_is_found(finished, capsys, run, what):
    path = {"fasta": run.fasta, "normalised": run.work / "genome.fa", "weights": run.weights}[what]
    flip(path, byte=-8)
    status, out, _ = verify(finished, capsys)
    assert status == 1 and f"{path}: " in out and "1 damaged" in out
    if what == "normalised":
        assert "changed since the plan was made" in out and AGAIN in out
    else:
        assert "changed since the run: restore it, or run again" in out


def test_files_that_a_finished_run_does_not_need_may_be_gone(finished, capsys, run):
    (finished / "work/shards/0.npy").unlink()
    (finished / "work/shards/0.json").unlink()
    run.fasta.unlink()
    status, out, _ = verify(finished, capsys)
    assert status == 0 and ": 11 results, 2 shards, 2 inputs, " in out
    assert "no longer there, not verified: " in out
    assert "work/shards/0.npy" in out and str(run.fasta) in out


def test_a_lost_result_is_found(finished, capsys):
    (finished / "bigwig/one.bw").unlink()
    status, out, _ = verify(finished, capsys)
    assert status == 1 and f"{finished}/bigwig/one.bw: missing: run again\n" in out
    part = finished / "parquet/chrom=chr1/part-0.parquet"
    part.unlink()
    _, out, _ = verify(finished, capsys)
    assert f"{part}: missing: delete the folder {finished}/parquet and run again\n" in out


def test_a_truncated_result_is_found_by_its_size(finished, capsys):
    path = finished / "bigwig/one.bw"
    size = path.stat().st_size
    os.truncate(path, 100)
    status, out, _ = verify(finished, capsys)
    assert status == 1
    assert f"{path}: has 100 bytes, and had {size:,} when it was written: {AGAIN}\n" in out


def test_results_without_their_work_are_compared_with_the_manifest(finished, capsys, tmp_path):
    copy = tmp_path / "copied"
    shutil.copytree(finished, copy, ignore=shutil.ignore_patterns("work", "logs"))
    status, out, _ = verify(copy, capsys)
    assert status == 0 and out.startswith(f"{copy}: 8 results, ")
    flip(copy / "bigwig/one.bw")
    status, out, _ = verify(copy, capsys)
    assert status == 1 and f"{copy}/bigwig/one.bw: {CHANGED}: {AGAIN}\n" in out


def test_a_manifest_that_names_a_file_outside_of_the_run_is_refused(finished, capsys):
    shutil.rmtree(finished / "work")
    manifest = json.loads((finished / "manifest.json").read_text())
    manifest["outputs"]["../../secret"] = {"bytes": 1, "sha256": "0"}
    (finished / "manifest.json").write_text(json.dumps(manifest))
    status, out, err = verify(finished, capsys)
    assert status == 1 and "secret: missing" not in out
    assert "no usable manifest" in err or "no usable manifest" in out


def test_a_folder_of_runs_is_verified_run_by_run(finished, capsys, tmp_path):
    shutil.copytree(finished, tmp_path / "results/a")
    shutil.copytree(finished, tmp_path / "results/b")
    flip(tmp_path / "results/b/tracks.tsv")
    status, out, _ = verify(tmp_path / "results", capsys)
    assert status == 1
    assert f"{tmp_path}/results/a: 11 results" in out
    assert f"{tmp_path}/results/b/tracks.tsv: {CHANGED}" in out


def test_a_folder_without_a_run_is_one_error(tmp_path, capsys):
    status, _, err = verify(tmp_path, capsys)
    message = f"genometracks verify: {tmp_path}: no finished run in this folder: give results/RUN\n"
    assert (status, err) == (1, message)


def test_a_damaged_result_is_not_certified_again(finished, capsys):
    manifest = finished / "manifest.json"
    words = json.loads(manifest.read_text())["config"]
    flip(finished / "bigwig/one.bw")
    os.utime(finished / "bigwig/one.bw")
    manifest.unlink()
    again = ["--plan", str(finished / "work/plan.json"), "--out", str(manifest)]
    capsys.readouterr()
    assert main(["manifest", "--settings", json.dumps(words), *again]) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line == (
        f"genometracks manifest: {finished}/bigwig/one.bw: {CHANGED}: delete it and run again: "
        "it is written again without a prediction"
    )
    assert not manifest.exists()


def test_a_result_that_was_only_touched_or_copied_is_unchanged(finished):
    manifest = finished / "manifest.json"
    before = manifest.read_bytes()
    config = json.loads(before)["config"]
    os.utime(finished / "bigwig/one.bw")
    manifest.unlink()
    again = ["--plan", str(finished / "work/plan.json"), "--out", str(manifest)]
    assert main(["manifest", "--settings", json.dumps(config), *again]) == 0
    assert manifest.read_bytes() == before


def test_a_new_plan_withdraws_the_proofs_of_the_earlier_one(finished, run):
    names = ("manifest.json", "ro-crate-metadata.json", "summary.txt", "work/merge.json")
    proofs = [finished / name for name in names]
    assert all(path.exists() for path in proofs)
    run.planned["trim"] = 1
    run.plan()
    assert not any(path.exists() for path in proofs)
    assert (finished / "bigwig/one.bw").exists()
