"""The cost of a run before it starts: numbers equal those of the run, and no file is left."""

import json
import tempfile

import numpy as np
import pytest
import torch
import yaml

from genometracks.cli import main
from genometracks.common.records import from_plain
from genometracks.config.settings import OF_OUTPUT
from genometracks.plan.plan import Plan
from genometracks.preflight import measure as preflight
from genometracks.preflight.cost import STORED, share_windows
from genometracks.preflight.report import PrecisionCost, Preflight, describe_preflight
from toys import random_bases, write_model

SECONDS = 0.25
"""Seconds per window in these tests, which use no real clock."""

ONE_VALUE = {"final_pool_func": "avg"}


@pytest.fixture(autouse=True)
def temporary(tmp_path, tmp_path_factory, monkeypatch):
    """The folder for temporary files; the working folder is `tmp_path`."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    # PyTorch makes a cache there when some of its modules are imported.
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path_factory.mktemp("torch")))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture(autouse=True)
def timed(monkeypatch):
    """A clock by which bf16 is twice as fast as the other precisions."""

    def time(forward, windows, device) -> float:
        forward(windows)
        return SECONDS * len(windows) / (2 if forward._precision == "bf16" else 1)

    monkeypatch.setattr(preflight, "time_best", time)


def write_config(run, **changes) -> str:
    """Write the config of a toy run, with the same folder; return its path."""
    planned = {**run.planned, **changes}
    output = {key: planned.pop(key) for key in (*OF_OUTPUT, "dtype")}
    bigwig, parquet = planned.pop("bigwig", True), planned.pop("parquet", True)
    genome = {key: planned.pop(key) for key in ("regions", "blacklist")}
    genome |= {"fasta": str(run.fasta), "contigs": planned.pop("contigs", ["*"])}
    weights = [str(one) for one in run.weights] if type(run.weights) is list else str(run.weights)
    config = {
        "run": run.folder.name,
        "results": str(run.folder.parent),
        "genome": genome,
        "model": {"weights": weights, "window": planned.pop("window")},
        "shards": planned.pop("shards"),
        "output": {**output, "bigwig": bigwig, "parquet": parquet},
        "prediction": {**planned, "device": "cpu"},
    }
    path = run.folder.parent / f"{run.folder.name}.yaml"
    path.write_text(yaml.safe_dump(config))
    return str(path)


def describe(found: dict) -> str:
    """The text that shows the numbers of a preflight."""
    return describe_preflight(from_plain(Preflight, found))


def run_preflight(run, **changes) -> dict:
    """Run `genometracks preflight`; return its numbers."""
    out = run.folder.parent / "numbers.json"
    assert main(["preflight", write_config(run, **changes), "--json", str(out)]) == 0
    return json.loads(out.read_text())


def list_files(folder) -> set:
    """All folders, and all files with their modification times."""
    paths = folder.rglob("*")
    return {(path, path.is_file() and path.stat().st_mtime_ns) for path in paths}


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_windows_and_bytes_equal_those_of_the_run(make_run, dtype):
    run = make_run(shards=3, dtype=dtype, tracks=["one", "three"])
    found = run_preflight(run)
    plan = run.plan()
    assert found["plan"]["windows"] == plan.windows == 27
    assert found["plan"]["shards"] == 3 and found["plan"]["tracks"] == 2
    assert found["plan"]["windows_a_shard"] == plan.shards[0].last == 12
    assert found["plan"]["bins"] == plan.bins
    assert found["plan"]["padded_bins"] == plan.padded_bins > 0
    run.predict()
    header = 128
    sizes = [path.stat().st_size - header for path in run.shards().glob("*.npy")]
    assert found["bytes"]["shards"] == sum(sizes)
    assert found["bytes"]["genome"] == (run.work / "genome.fa").stat().st_size
    for key, factor in STORED[dtype].items():
        assert found["bytes"][key] == round(factor * 2 * plan.bins)


def test_a_run_that_averages_folds_strands_and_shifts_is_measured(make_run, tmp_path):
    run = make_run(shards=2, trim=1, sd=True, reverse_complement=True, shifts=[-9, 2], tracks=["*"])
    other = write_model(tmp_path, name="other", seed=1)
    weights, run.weights = run.weights, [run.weights, other]
    found = run_preflight(run)
    plan = run.plan()
    assert found["plan"]["windows"] == plan.windows
    # Of 18 bins, two at each end are not covered by both shifts, and one is trimmed.
    assert found["plan"]["length"] - 2 * plan.geometry.trim == 12
    assert found["plan"]["tracks"] == 6 and found["plan"]["bins"] == plan.bins
    text = "logits, then the mean of 2 strands x shifts of -9, 2 bp x 2 folds; the model's scale"
    assert f"tracks   6    {text}" in describe(found)
    run.weights = weights
    run.planned |= {"sd": False, "reverse_complement": False, "shifts": [0]}
    assert run_preflight(run)["plan"]["bins"] == plan.bins


def test_hours_follow_the_longest_job(make_run):
    found = run_preflight(make_run(shards=3))
    assert found["seconds"]["window"] == SECONDS
    assert found["rates"]["windows"] == 4
    assert found["rates"]["bp"] == 4 * found["plan"]["length"] * found["plan"]["bin"]
    expected = [
        {"jobs": 1, "hours": 27 * SECONDS / 3600},
        {"jobs": 3, "hours": 12 * SECONDS / 3600},
    ]
    assert found["hours"] == expected
    many = run_preflight(make_run("many", shards=20, batch_size=1))
    assert [row["jobs"] for row in many["hours"]] == [1, 8, 14]
    # 14 shards hold two windows each, except the last: six of eight jobs get a second shard.
    assert [row["hours"] for row in many["hours"]] == [n * SECONDS / 3600 for n in (27, 4, 2)]


def test_a_shard_goes_to_the_first_job_that_is_free():
    assert share_windows([5, 5, 5, 3], 1) == 18
    assert share_windows([5, 5, 5, 3], 2) == 10
    assert share_windows([5, 5, 5, 3], 3) == 8
    assert share_windows([5, 5, 5, 3, 0, 0], 6) == 5


def test_a_preflight_leaves_no_files_and_does_not_touch_results(
    make_run, tmp_path, temporary, capsys
):
    run = make_run()
    run.folder.rmdir()
    path = write_config(run)
    before = list_files(tmp_path)
    assert main(["preflight", path]) == 0
    assert list_files(tmp_path) == before
    out = capsys.readouterr().out
    assert "  windows  27  " in out and "  a window" in out and "0.25 s" in out
    run.fasta.write_text(">a\nNNNN\n")
    before = list_files(tmp_path)
    assert main(["preflight", path]) == 1
    assert list_files(tmp_path) == before
    assert "nothing to predict" in capsys.readouterr().err
    assert not list(temporary.iterdir()) and not run.folder.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "my.yaml: cannot be read: No such file or directory: check the path"),
        (
            "a: [1,\nb: 2",
            "my.yaml:2: not YAML: expected ',' or ']', but got '<stream end>': correct this line",
        ),
        (
            "shard: 3",
            "config: unknown key 'shard': did you mean 'shards'?\n"
            "config: genome is missing: Sequence to predict.\n"
            "config: model is missing: The model and its weights.",
        ),
        ("- 1", "config: the file: [1] is not of type 'object'"),
        (
            "{genome: {fasta: no.fa}, model: {weights: m.safetensors}}",
            "no.fa: no such file: check genome.fasta\n"
            "m.safetensors: no such weights file: check model.weights (a path, or "
            "repo@revision:file)",
        ),
    ],
)
def test_all_errors_of_a_config_are_a_line_each(tmp_path, capsys, text, message):
    if text is not None:
        (tmp_path / "my.yaml").write_text(text)
    assert main(["preflight", "my.yaml"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"genometracks preflight: {line}" for line in message.split("\n")]


def test_invalid_weights_and_settings_are_one_line_errors(make_run, capsys, temporary):
    run = make_run()
    for changes, message in [
        ({"trim": 500}, "prediction.trim: 500 bins at each end leave nothing"),
        ({"stride": 3}, "prediction.stride: only for models of one value per window"),
        ({"tracks": ["tow"]}, "output.tracks: 'tow' matches no track of the model: did you mean"),
        ({"contigs": ["chrX"]}, "genome.contigs: 'chrX' matches no contig"),
    ]:
        assert main(["preflight", write_config(run, **changes)]) == 1
        assert f"genometracks preflight: {message}" in capsys.readouterr().err.splitlines()[-1]
    run.weights.write_bytes(b"none")
    assert main(["preflight", write_config(run)]) == 1
    assert str(run.weights) in capsys.readouterr().err.splitlines()[-1]
    assert not list(temporary.iterdir())


def test_costs_of_other_trims_equal_those_of_their_plans(make_run, contigs):
    run = make_run(model={"crop_len": 0}, trim=2)
    found = run_preflight(run)
    edge = found["edge_bins"]
    assert [row["trim"] for row in found["trims"]] == sorted({0, 1, 2, 3, 6, edge})
    assert (found["plan"]["length"], edge) == (24, 3)
    for row in found["trims"]:
        plan = make_run(f"trim{row['trim']}", model={"crop_len": 0}, trim=row["trim"]).plan()
        assert row["windows"] == plan.windows
        assert row["hours"] == plan.windows * SECONDS / 3600
        assert row["edge_bins"] == max(0, edge - row["trim"])
    at = {row["trim"]: row["deviation"] for row in found["trims"]}
    assert at[0] > at[1] > at[2] > 1e-4 and at[edge] < 1e-6


def test_other_precisions_have_a_cost_and_a_deviation(make_run):
    rows = run_preflight(make_run())["precisions"]
    assert [row["precision"] for row in rows] == ["fp32", "bf16"]
    assert [row["seconds"] for row in rows] == [SECONDS, SECONDS / 2]
    assert rows[0]["deviation"] == 0 and 1e-5 < rows[1]["deviation"] < 0.05
    rows = run_preflight(make_run("half", precision="fp16"))["precisions"]
    assert [row["precision"] for row in rows] == ["fp32", "bf16", "fp16"]


def test_values_that_are_not_finite_have_no_deviation():
    class Overflowing:
        def __init__(self, precision: str) -> None:
            self._precision = precision

        def __call__(self, windows):
            return windows * (torch.inf if self._precision == "bf16" else 1)

    rows = preflight.compare_precisions(
        Overflowing, torch.ones(2, 4, 8), torch.device("cpu"), {"fp32": 3.0}
    )
    assert rows == (
        PrecisionCost("fp32", 3.0, 0.0),
        PrecisionCost("bf16", SECONDS / 2, None),
    )


def test_a_model_of_one_value_a_window_has_no_trims(make_run, capsys):
    run = make_run(model=ONE_VALUE, stride=10)
    found = run_preflight(run)
    assert found["trims"] == [] and found["by_distance"] is None
    assert found["plan"]["windows"] == run.plan().windows == found["plan"]["bins"]
    out = capsys.readouterr().out
    assert "96 bp in, one value out" in out and "trim" not in out


def test_outputs_that_are_not_written_take_no_bytes(make_run, capsys):
    found = run_preflight(make_run(), bigwig=False)
    assert found["bytes"]["bigwig"] == 0 < found["bytes"]["parquet"]
    out = capsys.readouterr().out
    assert "bigWig" not in out and "Parquet" in out


def test_a_slow_model_is_measured_on_one_window(make_run, monkeypatch, capsys):
    sizes = []

    def time_slowly(forward, windows, device) -> float:
        sizes.append(len(windows))
        return 30.0 * len(windows)

    monkeypatch.setattr(preflight, "time_best", time_slowly)
    found = run_preflight(make_run())
    assert sizes == [1] and found["seconds"]["window"] == 30.0 and found["measured_batch"] == 1
    assert found["precisions"] == [] and {row["deviation"] for row in found["trims"]} == {None}
    out = capsys.readouterr().out
    assert "fp32, measured in batches of 1" in out
    assert "not measured: a window takes too long here" in out


def test_settings_at_auto_are_determined_as_in_the_run(make_run, monkeypatch):
    run = make_run(batch_size="auto", precision="auto")
    assert run_preflight(run)["plan"]["batch_size"] in [1 << i for i in range(9)]
    run.probe()
    path = run.work / "probe.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "batch_size": 3}))
    monkeypatch.setattr(preflight, "_probe", None)  # the run's probe is used, not repeated
    found = run_preflight(run)
    assert found["plan"]["batch_size"] == 3
    assert found["plan"]["windows_a_shard"] == run.plan().shards[0].last


def test_an_existing_scan_is_used_only_if_it_is_the_same(make_run, monkeypatch):
    run = make_run()
    expected = run_preflight(run)["plan"]
    run.prepare()
    scans = []
    scan = preflight.scan_fasta
    monkeypatch.setattr(
        preflight, "scan_fasta", lambda *words, **names: scans.append(1) or scan(*words, **names)
    )
    assert run_preflight(run)["plan"] == expected and not scans
    assert run_preflight(run, contigs=["chr1*"])["plan"]["windows"] < 27 and len(scans) == 1
    kept = (run.work / "genome.json").read_text()
    (run.work / "genome.json").write_text("{}")
    assert run_preflight(run)["plan"] == expected and len(scans) == 2
    (run.work / "genome.json").write_text(kept)
    run.fasta.write_text(run.fasta.read_text() + ">more\n" + random_bases(300, seed=9) + "\n")
    assert run_preflight(run)["plan"]["windows"] > 27 and len(scans) == 3


def test_the_text_is_a_table_of_the_numbers(make_run, capsys):
    found = run_preflight(make_run(shards=3))
    out = capsys.readouterr().out
    assert out == describe(found) + "\n"
    assert "  1 job           0.0019 h" in out and "  3 jobs at once  0.00083 h" in out
    assert max(map(len, out.splitlines()[1:])) <= 100
    beside = "  the model is described by run_model.yaml beside the weights"
    assert out.splitlines()[1] == beside and found["described_by"] == ["run_model.yaml"]
    rows = [line for line in out.splitlines() if line.startswith("  fp32 ") or " bf16 " in line]
    assert len({line.index(" s ") for line in rows}) == 1


def test_the_memory_is_that_of_this_process(make_run):
    found = run_preflight(make_run())
    assert found["memory"]["device"] is None
    assert 50e6 < found["memory"]["host"] <= preflight.read_peak()


def test_run_and_preflight_take_the_same_windows_from_regions(make_run, tmp_path):
    bed = tmp_path / "some.bed"
    bed.write_text("chr2\t100\t130\nchr10\t400\t420\n")
    run = make_run(regions=str(bed))
    found = run_preflight(run)
    assert found["plan"]["windows"] == run.plan().windows < 6
    assert found["plan"]["bins"] == Plan.load(run.work / "plan.json").bins == np.sum([8, 5])


def test_one_run_of_a_sheet_is_measured(run, tmp_path, capsys):
    path = write_config(run)
    config = yaml.safe_load(open(path))
    del config["run"]
    config["runs"] = "runs.tsv"
    with open(path, "w") as file:
        yaml.safe_dump(config, file)
    with open(tmp_path / "runs.tsv", "w") as file:
        file.write("run\tprediction.trim\na\t0\nb\t2\n")
    assert main(["preflight", path]) == 1
    assert "the sheet has several runs: choose one with --run: a, b" in capsys.readouterr().err
    assert main(["preflight", path, "--run", "b", "--json", "found.json"]) == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert (found["run"], found["plan"]["trim"]) == ("b", 2)
