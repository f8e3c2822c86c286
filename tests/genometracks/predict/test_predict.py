"""From plan to shards: values equal a plain loop, for any sharding and after any accident."""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pyBigWig
import pytest
import torch
from safetensors.torch import save_file

from genometracks.cli import main
from genometracks.config.resolve import resolve_config
from genometracks.errors import UserError
from genometracks.inputs.genome import GenomeIndex
from genometracks.plan.tile import size_shards
from genometracks.predict.device import prepare_device
from genometracks.shards.merge import check_shards
from genometracks.shards.sidecar import read_sidecar
from grelu_models.checkpoint import load
from toys import CODE, Run, make_words, merged, one_hot, write_fasta, write_model


def reference(model, contigs: dict, *, trim: int, batch_size: int) -> dict:
    """Predict the toy model's bins by a plain loop: {contig: {bin: values (tracks,)}}."""
    window, size, crop, length = 96, 4, 3, 18
    windows = []
    for contig, bases in sorted(contigs.items()):
        for first in range(0, -(-len(bases) // size), length - 2 * trim):
            if set(bases[first * size : (first + length - 2 * trim) * size].upper()) & set(CODE):
                windows.append(
                    (contig, first, one_hot(bases, (first - trim - crop) * size, window))
                )
    values: dict = {contig: {} for contig in contigs}
    for i in range(0, len(windows), batch_size):
        batch = windows[i : i + batch_size]
        rest = [torch.zeros(1, 4, window)] * (batch_size - len(batch))
        with torch.inference_mode():
            outputs = model(torch.cat([encoded for _, _, encoded in batch] + rest))
        for (contig, first, _), out in zip(batch, outputs.numpy(), strict=False):
            for k in range(first, first + length - 2 * trim):
                if set(contigs[contig][k * size : (k + 1) * size].upper()) & set(CODE):
                    values[contig][k] = out[:, k - first + trim]
    return values


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("trim", [0, 4])
def test_values_equal_a_plain_loop_to_the_last_bit(make_run, contigs, batch_size, trim):
    run = make_run(batch_size=batch_size, trim=trim, shards=3)
    run.plan()
    run.predict()
    model, card = load(run.weights)
    geometry = card.geometry
    assert (geometry.window, geometry.bin, geometry.crop, geometry.length) == (96, 4, 3, 18)
    found = merged(run)
    assert sorted(found) == ["chr1", "chr10", "chr2", "tiny"]
    expected = reference(model, contigs, trim=trim, batch_size=batch_size)
    for contig in contigs:
        assert sorted(found[contig]) == sorted(expected[contig])
        for k, values in expected[contig].items():
            assert found[contig][k].tobytes() == values.tobytes(), f"{contig} bin {k}"


def test_models_of_one_value_write_each_window_at_its_stride(make_run, contigs):
    run = make_run(model={"final_pool_func": "avg"}, stride=10)
    run.plan()
    run.predict()
    model, _ = load(run.weights)
    found = merged(run)
    for contig, bases in contigs.items():
        for k in range(-(-len(bases) // 10)):
            start = 10 * k - 43
            known = any(base.upper() in CODE for base in bases[10 * k : 10 * k + 10])
            assert (k in found[contig]) == known
            if known:
                with torch.inference_mode():
                    expected = model(one_hot(bases, start, 96))[0, :, 0].numpy()
                np.testing.assert_allclose(found[contig][k], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("stride", [None, 10])
def test_any_number_of_shards_gives_the_same_bytes(make_run, stride):
    model = {"final_pool_func": "avg"} if stride else {}
    results = []
    for shards in (1, 2, 7, 40):
        run = make_run(f"run{shards}", model=model, shards=shards, stride=stride)
        plan = run.plan()
        run.predict()
        size = size_shards(plan.windows, batch=4, shards=shards)
        assert len(plan.shards) == -(-plan.windows // size) <= shards
        assert all(shard.first % 4 == 0 and shard.windows for shard in plan.shards)
        results.append(run.array().tobytes())
    assert results[0] and all(result == results[0] for result in results)


def test_chosen_tracks_have_the_same_values_up_to_rounding(make_run):
    every, some = make_run("every"), make_run("some", tracks=["t*"])
    for run in (every, some):
        run.plan()
        run.predict()
    np.testing.assert_allclose(some.array(), every.array()[1:], rtol=1e-5, atol=1e-7)


def test_float16_rounds_the_float32_values(make_run):
    full, half = make_run("full"), make_run("half", dtype="float16")
    for run in (full, half):
        run.plan()
        run.predict()
    expected = full.array().astype(np.float16)
    assert np.array_equal(half.array(), expected)


@pytest.mark.parametrize(
    ("activation", "apply"),
    [("exp", torch.exp), ("softmax", lambda x: torch.softmax(x, 0)), ("sigmoid", torch.sigmoid)],
)
def test_activation_is_over_all_tracks_even_if_few_are_chosen(make_run, activation, apply):
    plain, run = make_run("plain"), make_run("active", tracks=["one"])
    metadata = run.weights.with_suffix(".yaml")
    metadata.write_text(metadata.read_text() + f"activation: {activation}\n")
    for each in (plain, run):
        each.plan()
        each.predict()
    expected = apply(torch.from_numpy(plain.array()))[0].numpy()
    np.testing.assert_allclose(run.array()[0], expected, rtol=1e-5)


def test_a_finished_shard_is_not_predicted_again(make_run, capfd):
    run = make_run()
    run.plan()
    run.predict()
    before = {path.name: path.stat().st_ino for path in run.shards().iterdir()}
    run.predict()
    assert "shard 0 is complete: nothing to predict" in capfd.readouterr().err
    assert {path.name: path.stat().st_ino for path in run.shards().iterdir()} == before


def test_a_killed_prediction_leaves_no_valid_shard_and_runs_again(tmp_path):
    # 300 kb in batches of one window: long enough to be killed in the middle.
    weights = write_model(tmp_path)
    bases = "".join(itertools.islice(itertools.cycle("ACGTTGCATTAGACCATG"), 300_000))
    fasta = write_fasta(tmp_path / "g.fa", {"c": bases})
    (tmp_path / "undisturbed").mkdir()
    (tmp_path / "killed").mkdir()
    undisturbed, run = (
        Run(tmp_path / name, weights, fasta, shards=1, batch_size=1)
        for name in ("undisturbed", "killed")
    )
    undisturbed.plan()
    undisturbed.predict()
    plan = run.plan()
    command = [sys.executable, "-m", "genometracks.cli", "predict", "--shard", "0"]
    command += ["--plan", str(run.work / "plan.json"), "--fasta", str(run.work / "genome.fa")]
    job = subprocess.Popen([*command, "--device", "cpu"])
    deadline = time.monotonic() + 120
    while not list(run.shards().glob(".0.npy.*.part")) and time.monotonic() < deadline:
        assert job.poll() is None, "the job ended before it could be killed"
        time.sleep(0.001)
    os.kill(job.pid, signal.SIGKILL)
    job.wait()
    assert read_sidecar(run.shards(), plan, plan.shards[0]) is None
    with pytest.raises(UserError, match=r"0.npy: shard 0 \(bins from c:0-300000\) is missing"):
        check_shards(plan, run.shards())
    run.predict()
    assert run.array().tobytes() == undisturbed.array().tobytes()
    assert sorted(path.name for path in run.shards().iterdir()) == ["0.json", "0.npy"]


def test_weights_changed_after_the_plan_are_refused(make_run, tmp_path, capsys):
    run = make_run()
    run.plan()
    torch.manual_seed(5)
    state = {name: value + 1 for name, value in load(run.weights)[0].state_dict().items()}
    torch.save(state, tmp_path / "other.pt")
    fields = json.loads((run.work / "plan.json").read_text())
    fields["model"]["folds"][0]["weights"] = str(tmp_path / "other.pt")
    (run.work / "plan.json").write_text(json.dumps(fields))
    words = ["predict", "--plan", str(run.work / "plan.json"), "--shard", "0"]
    assert main([*words, "--fasta", str(run.work / "genome.fa")]) == 1
    assert "other.pt: the weights changed since the plan was made" in capsys.readouterr().err
    assert not run.shards().exists()


@pytest.mark.parametrize(
    ("bias", "dtype", "message"),
    [
        (float("nan"), "float32", r"track 'one' is nan at chr1:0-4: check the model's weights"),
        (1e6, "float16", r"track 'one' is .* at chr1:0-4, beyond float16: set output.dtype"),
    ],
)
def test_values_that_cannot_be_stored_are_refused(make_run, capsys, bias, dtype, message):
    run = make_run(dtype=dtype)
    model, _ = load(run.weights)
    state = model.state_dict()
    state["head.channel_transform.conv.layer.bias"][:] = bias
    save_file(state, run.weights)
    run.plan()
    words = ["predict", "--plan", str(run.work / "plan.json"), "--shard", "0"]
    assert main([*words, "--fasta", str(run.work / "genome.fa")]) == 1
    assert re.search(message, capsys.readouterr().err)
    assert list(run.shards().iterdir()) == []


def test_a_shard_that_is_not_in_the_plan_is_a_one_line_error(make_run, capsys):
    run = make_run(shards=3)
    run.plan()
    words = make_words("predict", plan=run.work / "plan.json", shard="7", fasta=run.fasta)
    assert main(words) == 1
    expected = "genometracks predict: shard '7' is not in the plan: use 0 to 2"
    assert capsys.readouterr().err.splitlines()[-1] == expected


def test_cuda_without_a_device_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert prepare_device("auto") == torch.device("cpu")
    with pytest.raises(UserError, match="prediction.device: no CUDA device is usable here"):
        prepare_device("cuda:1")


def test_a_genome_of_only_n_is_refused(make_run, capsys):
    run = make_run(sequences={"a": "N" * 500})
    with pytest.raises(AssertionError):
        run.plan()
    assert "nothing to predict: every base of the contigs is N" in capsys.readouterr().err
    assert not (run.work / "plan.json").exists()
    assert GenomeIndex.load(run.work / "genome.json").contigs[0].gaps == ((0, 500),)


@pytest.mark.parametrize(
    ("precision", "tolerance"), [("tf32", 1e-6), ("bf16", 0.03), ("fp16", 4e-3)]
)
def test_lower_precisions_stay_close_to_fp32(make_run, precision, tolerance):
    full, low = make_run("full"), make_run("low", precision=precision)
    for each in (full, low):
        each.plan()
        each.predict()
    expected, found = full.array(), low.array()
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()
    assert (found != expected).any() == (precision != "tf32")  # TF32 exists on CUDA only
    notes = low.notes()
    first = slice(0, 4 * 18)  # bins of the first batch
    assert notes["deviation"]["largest"] == np.abs(found - expected)[:, first].max()
    assert notes["deviation"]["scale"] >= np.abs(expected[:, first]).max() > 0
    assert "deviation" not in full.notes()


def test_a_contig_without_bases_is_left_out_of_every_output(make_run, contigs):
    plain, run = make_run("plain"), make_run("void", sequences={**contigs, "chr3": ""})
    for each in (plain, run):
        each.plan()
        each.predict()
        each.command("bigwig", plan=each.work / "plan.json")
        each.command("parquet", plan=each.work / "plan.json", out=each.folder / "parquet")
    for folder in ("bigwig", "parquet"):
        files = [path for path in (plain.folder / folder).rglob("*.*") if path.is_file()]
        assert len(files) >= 3
        for path in files:
            again = run.folder / path.relative_to(plain.folder)
            if folder == "bigwig":
                assert again.read_bytes() == path.read_bytes(), path
                continue
            tables = [pq.ParquetFile(each).read() for each in (again, path)]
            about = [table.schema.metadata for table in tables]
            assert about[0] == {**about[1], b"run": b"void", b"genome": b"void"}
            tables = [table.replace_schema_metadata(None) for table in tables]
            assert tables[0].equals(tables[1], check_metadata=True), path


def test_a_stride_longer_than_the_window_leaves_gaps(make_run, contigs):
    run = make_run(model={"final_pool_func": "avg"}, stride=130)
    plan = run.plan()
    run.predict()
    run.command("bigwig", plan=run.work / "plan.json")
    run.command("parquet", plan=run.work / "plan.json", out=run.folder / "parquet")
    model, _ = load(run.weights)
    found = merged(run)
    rows = ds.dataset(run.folder / "parquet", partitioning="hive").to_table().to_pylist()
    with pyBigWig.open(str(run.folder / "bigwig" / "one.bw")) as tracks:
        for contig, bases in contigs.items():
            starts = [start for start in range(0, len(bases), 130)]
            known = [s for s in starts if set(bases[s : s + 96].upper()) & set(CODE)]
            assert [k * 130 for k in found[contig]] == known
            assert [row["start"] for row in rows if row["chrom"] == contig] == known
            spans = [row[:2] for row in tracks.intervals(contig)]
            assert spans == [(start, min(start + 96, len(bases))) for start in known]
            for start in known:
                with torch.inference_mode():
                    expected = model(one_hot(bases, start, 96))[0, :, 0].numpy()
                np.testing.assert_allclose(found[contig][start // 130], expected, rtol=1e-5)
    logs, out = run.folder / "logs", run.folder / "summary.txt"
    path, settings = run.folder / "manifest.json", {"observed": []}
    least = {"genome": {"fasta": str(run.fasta)}, "model": {"weights": str(run.weights)}}
    run.command(
        "manifest",
        settings=resolve_config(least),
        plan=run.work / "plan.json",
        out=path,
    )
    run.command("summary", settings=settings, plan=run.work / "plan.json", logs=logs, out=out)
    first = (
        "bins         17 of 96 bp, one each 130 bp; contigs: 4, 2,025 bp, 0.15% of them ambiguous "
        "letters, read as N; 4 bins (24%) near contig ends read N, as usual"
    )
    assert out.read_text().startswith(f"{first}\n")
    # The window of bin 3 of chr2 is in the run of N from 300 to 550.
    assert 3 not in found["chr2"] and plan.bins == 4 + 5 + 8 + 1 - 1
