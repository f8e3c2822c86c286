"""The forward pass, with and without enough memory and a compiler."""

import shutil
import subprocess
import sys

import pytest
import torch
from torch import nn

from genometracks.common.deviation import Deviation
from genometracks.errors import UserError
from genometracks.predict.forward import Forward
from grelu_models.card import ACTIVATIONS

CPU = torch.device("cpu")


class Small(nn.Module):
    """(N, 4, 8) -> (N, 3, 2), on a device with room for `room` windows."""

    def __init__(self, room: int = 100, *, error: str | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv1d(4, 3, 4, stride=4)
        self.room, self.error, self.seen = room, error, []

    def forward(self, x):
        self.seen.append(len(x))
        if len(x) > self.room:
            raise RuntimeError(self.error) if self.error else torch.OutOfMemoryError("full")
        return self.conv(x)


def activated(activation: str | None = None):
    """One forward pass and an activation, in place of an average."""
    return lambda windows, logits: ACTIVATIONS[activation](logits(windows, 0).float())


@pytest.fixture
def windows():
    return torch.randn(7, 4, 8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("error", [None, "DefaultCPUAllocator: can't allocate memory: you tried"])
def test_a_batch_that_exceeds_the_memory_is_halved_with_the_same_values(windows, caplog, error):
    model = Small(room=2, error=error)
    forward = Forward([model], device=CPU, average=activated("exp"))
    expected = model.conv(windows).exp()
    torch.testing.assert_close(forward(windows), expected, rtol=1e-6, atol=1e-7)
    assert forward.part == 1 and model.seen == [7, 3, *[1] * 7]
    model.seen.clear()
    torch.testing.assert_close(forward(windows), expected, rtol=1e-6, atol=1e-7)
    assert model.seen == [1] * 7  # a size that failed is not tried again
    note = "no memory for 7 windows at once: continuing with 3; values change by rounding only"
    assert f"cpu: {note}" in caplog.messages


def both_strands(windows, logits):
    """The mean of the values of windows and of their reverse complements."""
    one, other = logits(torch.cat([windows, windows.flip(1, 2)]), 0).float().chunk(2)
    return (one + other.flip(-1)) / 2


def test_strands_that_do_not_fit_together_are_computed_in_turn(windows, caplog):
    model = Small(room=1)
    forward = Forward([model], device=CPU, average=both_strands, strands=2)
    expected = (model.conv(windows) + model.conv(windows.flip(1, 2)).flip(-1)) / 2
    for _ in range(2):
        torch.testing.assert_close(forward(windows), expected, rtol=1e-6, atol=1e-7)
    assert model.seen == [14, 6, 2, *[1] * 28] and (forward.part, forward.singly) == (1, True)
    assert caplog.messages[-1] == (
        "cpu: no memory for both strands of a window at once: continuing with one; values change "
        "by rounding only"
    )
    with pytest.raises(UserError, match="no memory for a forward pass of one window"):
        Forward([Small(room=0)], device=CPU, average=both_strands, strands=2)(windows)


def test_a_window_that_exceeds_the_memory_is_one_clear_error(windows):
    with pytest.raises(UserError, match="cpu: no memory for a forward pass of one window: set a"):
        Forward([Small(room=0)], device=CPU, average=activated())(windows)


def test_other_errors_are_not_taken_for_lack_of_memory(windows):
    with pytest.raises(RuntimeError, match="something else"):
        Forward([Small(room=0, error="something else")], device=CPU, average=activated())(windows)


def test_deviation_is_the_largest_difference_from_fp32(windows):
    model = Small()
    forward = Forward([model], device=CPU, average=activated(), precision="bf16")
    outputs, exact = forward(windows), model.conv(windows)
    assert outputs.dtype == torch.float32
    assert forward.measure_deviation(windows, outputs) == Deviation(
        largest=(outputs - exact).abs().max().item(), scale=exact.abs().max().item()
    )
    assert 0 < (outputs - exact).abs().max().item() < 0.03


def test_a_failing_compiler_is_reported_once_and_not_used(windows, monkeypatch, caplog):
    def refuse(*args):
        raise RuntimeError("no C++ compiler\nwith a long story")

    monkeypatch.setattr(torch, "compile", lambda model, **options: refuse)
    forward = Forward([model := Small()], device=CPU, average=activated(), compiled=True)
    for _ in range(2):
        torch.testing.assert_close(forward(windows), model.conv(windows))
    assert not forward.compiled
    assert caplog.messages == [
        "prediction.compile: not used, the model runs uncompiled, which may be slower: "
        "RuntimeError: no C++ compiler"
    ]


@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs a C++ compiler on the CPU")
def test_a_compiled_model_gives_the_same_values(make_run, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    plain, compiled = make_run("plain", shards=1), make_run("compiled", shards=1, compile=True)
    found = []
    for run in (plain, compiled):
        run.plan()
        run.predict()
        found.append(torch.from_numpy(run.array()))
    torch.testing.assert_close(found[1], found[0], rtol=1e-5, atol=1e-6)
    assert [run.notes()["compiled"] for run in (plain, compiled)] == [False, True]
    digests = [run.digests() for run in (plain, compiled)]
    assert digests[0] != digests[1]


FAULTS = """
import resource, sys
sys.path[:0] = {path!r}
import torch
from genometracks.predict.device import prepare_device
prepare_device("cpu")
def work():
    for _ in range(20):
        torch.ones(1 << 24)
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts page faults of glibc")
def test_freed_memory_is_used_again():
    """Twenty blocks of 64 MiB are 327,680 pages, if each is mapped anew."""
    script = FAULTS.format(path=sys.path)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert int(done.stdout) < 1000, done.stderr
