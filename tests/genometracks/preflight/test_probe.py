"""Settings at `auto`: a longer window with the same values, a close precision, a fast batch."""

import json
import re

import numpy as np
import pytest
import torch
from torch import nn

from genometracks.inputs.bases import Bases
from genometracks.plan.plan import Plan
from genometracks.plan.probe_file import Probe, describe_probe
from genometracks.predict.device import prepare_device
from genometracks.predict.forward import Forward
from genometracks.preflight import longer_window, timing
from genometracks.preflight.batch_size import BatchChoice, choose_batch
from genometracks.preflight.probe import (
    PrecisionChoice,
    choose_precision,
    judge_precision,
    sample_windows,
)
from toys import merged, random_bases

CPU = torch.device("cpu")
OPEN = {"batch_size": "auto", "precision": "auto"}


def values(run) -> dict:
    """{contig: all values (tracks, bins)} of a run."""
    return {
        contig: np.stack([bins[k] for k in sorted(bins)], axis=1)
        for contig, bins in merged(run).items()
        if bins
    }


@pytest.fixture
def long_contigs():
    return {"a": random_bases(7000, seed=1), "b": "N" * 50 + random_bases(2345, seed=2)}


def test_a_longer_window_gives_the_same_values_in_fewer_windows(make_run, long_contigs):
    # A receptive field of 46 bp on bins of 4 bp: crop 6 hides every edge.
    model = {"crop_len": 7}
    short = make_run("short", model=model, sequences=long_contigs)
    long = make_run("long", model=model, sequences=long_contigs, window="auto", shards=1)
    for run in (short, long):
        run.probe()
        run.plan()
        run.predict()
    planned, wide = (Plan.load(run.work / "plan.json") for run in (short, long))
    assert wide.geometry.window > 4 * planned.geometry.window and wide.windows < planned.windows / 4
    assert wide.geometry.window % planned.geometry.window == 0
    expected, found = values(short), values(long)
    assert expected.keys() == found.keys() == {"a", "b"}
    for contig, array in expected.items():
        assert array.shape == found[contig].shape
        np.testing.assert_allclose(found[contig], array, rtol=1e-5, atol=1e-6)
    text = describe_probe(Probe.load(long.work / "probe.json"))
    multiple = wide.geometry.window // planned.geometry.window
    assert f"window {wide.geometry.window:,} bp: {multiple} times the model's own" in text
    assert "0 bins at each end of its output read beyond it" in text


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ({"crop_len": 0}, r"(\d+) bins at each end read beyond the window: prediction.trim: \1 "),
        (
            {"model_type": "ConvTransformerModel", "n_transformers": 1, "n_heads": 1, "crop_len": 0}
            | {"key_len": 4, "value_len": 4, "pos_dropout": 0.0, "attn_dropout": 0.0}
            | {"ff_dropout": 0.0},
            "every value depends on the whole window",
        ),
    ],
    ids=["edges", "attention"],
)
def test_a_window_is_kept_where_values_would_change(make_run, long_contigs, model, why):
    run = make_run(model=model, sequences=long_contigs, window="auto")
    run.probe()
    plan = run.plan()
    assert plan.geometry.window == 96
    found = json.loads((run.work / "probe.json").read_text())
    assert re.match(why, found["window"]["why"])


def test_trimming_the_bins_that_the_log_names_allows_a_longer_window(make_run, long_contigs):
    run = make_run(model={"crop_len": 0}, sequences=long_contigs, window="auto")
    run.probe()
    edge = json.loads((run.work / "probe.json").read_text())["window"]["edge_bins"]
    results = []
    for name, window in (("short", None), ("long", "auto")):
        model = {"crop_len": 0}
        each = make_run(name, model=model, sequences=long_contigs, window=window, trim=edge)
        each.probe()
        each.plan()
        each.predict()
        results.append((Plan.load(each.work / "plan.json").geometry.window, values(each)))
    (short, expected), (long, found) = results
    assert long > short == 96
    # At a contig's ends, the windows of one run end, and those of the other continue with N.
    for contig, array in expected.items():
        inner = slice(edge, array.shape[1] - edge)
        np.testing.assert_allclose(found[contig][:, inner], array[:, inner], rtol=1e-5, atol=1e-6)


def test_a_longer_window_with_other_values_is_not_used(monkeypatch, make_run, long_contigs):
    monkeypatch.setattr(longer_window, "_agree", lambda *_, **__: False)
    run = make_run(model={"crop_len": 7}, sequences=long_contigs, window="auto")
    run.probe()
    assert run.plan().geometry.window == 96
    found = json.loads((run.work / "probe.json").read_text())
    assert found["window"]["why"] == "a longer one gives other values"


def test_a_probe_is_kept_until_its_settings_change(make_run):
    run = make_run(**OPEN)
    run.probe()
    path = run.work / "probe.json"
    found = json.loads(path.read_text())
    assert found["precision"] == "fp32" and found["device"] == "cpu"
    assert found["batch_size"] in [row["batch_size"] for row in found["tried"]]
    forged = {**found, "batch_size": 3}
    path.write_text(json.dumps(forged))
    run.planned["shards"] = 5  # the probe does not depend on it
    run.probe()
    assert json.loads(path.read_text()) == forged
    assert run.plan().settings.batch_size == 3
    run.planned["trim"] = 1
    run.probe()
    again = json.loads(path.read_text())
    assert again["digest"] != found["digest"]
    assert again["batch_size"] in [row["batch_size"] for row in again["tried"]]  # no longer 3


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"digest": 1}', "\x00"])
def test_a_damaged_probe_file_is_replaced(make_run, content):
    run = make_run(**OPEN)
    run.work.mkdir()
    (run.work / "probe.json").write_text(content)
    run.probe()
    assert json.loads((run.work / "probe.json").read_text())["precision"] == "fp32"


class Rounding(nn.Module):
    """A model whose bf16 values differ from fp32 by a fraction of the largest."""

    def __init__(self, off: float) -> None:
        super().__init__()
        self.off = off

    def forward(self, x):
        values = x[:, :1]
        return values * (1 + self.off) if torch.is_autocast_enabled("cpu") else values


@pytest.mark.parametrize(("off", "chosen"), [(0.019, "bf16"), (0.021, "tf32")])
def test_bf16_is_used_where_it_deviates_by_at_most_two_percent(off, chosen):
    windows = torch.rand(3, 4, 50)
    windows[0, 0, 0] = 2.0

    def not_averaged(windows, logits):
        return logits(windows, 0).float()

    def make(precision: str) -> Forward:
        return Forward([Rounding(off)], device=CPU, average=not_averaged, precision=precision)

    found = judge_precision(make, windows)
    assert found.precision == chosen
    assert found.deviation.largest == pytest.approx(2 * off, rel=1e-5)
    assert found.deviation.scale == 2.0
    assert choose_precision(make, windows, CPU) == PrecisionChoice("fp32")


class Timed:
    """A forward pass whose batches take `base + each * size` seconds and hold at most `room`."""

    def __init__(self, *, base: float, each: float, room: int = 10**9) -> None:
        self.base, self.each, self.room, self.part = base, each, room, None

    def __call__(self, windows):
        if len(windows) > self.room:
            self.part = self.room


@pytest.fixture
def timed(monkeypatch):
    def time(forward, batch, device) -> float:
        forward(batch)
        return forward.base + forward.each * len(batch)

    monkeypatch.setattr(timing, "_time", time)


def test_the_batch_is_the_smallest_near_the_best_rate(timed):
    windows = torch.zeros(8, 4, 5)
    # 1 / (1 + 16 / n) of the best rate: at most 1 / (1 + 16 / 256) = 0.94 of it.
    found = choose_batch(Timed(base=0.016, each=0.001), windows, CPU)
    assert [row.batch_size for row in found.tried] == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert found.batch_size == 256  # 128 has 0.944 of its rate
    assert found.tried[3].seconds == pytest.approx(0.003)
    found = choose_batch(Timed(base=0.0, each=0.001), windows, CPU)
    assert found.batch_size == 1
    assert [row.batch_size for row in found.tried] == [1, 2, 4]  # larger ones are no faster
    found = choose_batch(Timed(base=0.016, each=0.001, room=20), windows, CPU)
    assert found.batch_size == 16 and found.tried[-1].batch_size == 16
    found = choose_batch(Timed(base=1.0, each=1.2), windows, CPU)
    assert [row.batch_size for row in found.tried] == [1, 2, 4] and found.batch_size == 4
    assert choose_batch(Timed(base=1.0, each=1.0, room=0), windows, CPU) == BatchChoice(1, ())


def test_sampled_windows_are_those_of_the_genome(make_run, contigs):
    run = make_run(shards=1)
    plan = run.plan()
    bases = Bases(run.work / "genome.fa")
    windows = sample_windows(plan, bases, 5, device=prepare_device("cpu"))
    assert windows.shape == (5, 4, 96)
    every = sample_windows(plan, bases, 10**6, device=CPU)
    assert len(every) == plan.windows == 27
    numbers = [(2 * i + 1) * 27 // 10 for i in range(5)]
    assert torch.equal(windows, every[numbers])
