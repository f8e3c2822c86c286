"""A small model of each family, by the forward pass of a prediction: devices, batches, compiled.

Without a GPU, tensors of torch that have a device and a shape, but no values, stand in for those on
one: a tensor that is left on the CPU is found.
"""

import pytest
import torch
from torch import Tensor, nn
from torch._dispatch.python import enable_python_dispatcher
from torch._subclasses.fake_tensor import (
    FakeTensor,
    FakeTensorDeviceMismatchError,
    FakeTensorMode,
)

from cases import make_bases
from genometracks.config.sections import Precision
from genometracks.predict.forward import Forward
from grelu_models.inference import prepare_for_inference
from small_models import CLASSES, FAMILIES, WINDOW

pytestmark = pytest.mark.filterwarnings("ignore:The tensor attributes self.gru:UserWarning")

META = torch.device("meta")
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")),
]


TOLERANCES: dict[Precision, float] = {"fp32": 1e-4, "tf32": 4e-3, "bf16": 0.03, "fp16": 4e-3}
"""Largest difference from fp32 on the CPU, as a part of the largest value."""


@pytest.fixture(params=FAMILIES)
def model(request, tmp_path):
    torch.manual_seed(0)
    return FAMILIES[request.param](tmp_path)


@pytest.fixture(params=[*CLASSES, *FAMILIES])
def any_model(request, tmp_path):
    torch.manual_seed(0)
    return {**CLASSES, **FAMILIES}[request.param](tmp_path)


@pytest.fixture
def windows():
    """Five different windows, some bases of which are N."""
    one, other = make_bases(WINDOW)
    return torch.stack([one, other, one.roll(7, 1), other.flip(0), one.flip(1)])


def run(model: nn.Module, windows: Tensor, *, device: str = "cpu", part: int | None = None, **how):
    """Predict as a job does, and return the logits on the CPU."""
    place = torch.device(device)
    forward = Forward([model.to(place)], device=place, average=average, **how)
    forward.part = part
    with torch.inference_mode():
        return forward(windows.to(place)).cpu()


def average(windows, logits):
    return logits(windows, 0).float()


def differ(found: Tensor, expected: Tensor) -> float:
    """The largest difference, as a part of the largest value."""
    return ((found - expected).abs().max() / expected.abs().max()).item()


@pytest.mark.parametrize("device", DEVICES)
def test_values_are_those_of_the_cpu_in_fp32(any_model, windows, device):
    expected = run(any_model, windows)
    assert expected.std() > 0
    for precision, tolerance in TOLERANCES.items():
        found = run(any_model, windows, device=device, precision=precision)
        assert found.shape == expected.shape
        assert differ(found, expected) <= tolerance, precision


def test_batches_of_any_size_give_the_same_values(model, windows):
    expected = torch.cat([run(model, window[None]) for window in windows])
    for part in (None, 3, 2):
        assert differ(run(model, windows, part=part), expected) <= 1e-5


def test_a_compiled_model_gives_the_same_values(model, windows, monkeypatch, caplog):
    """Without the compiler of the machine: torch traces the model, and runs what it found."""
    compile = torch.compile
    monkeypatch.setattr(torch, "compile", lambda *a, **how: compile(*a, backend="eager", **how))
    torch._dynamo.reset()
    expected = run(model, windows)
    assert differ(run(model, windows, compiled=True), expected) <= 1e-5
    assert "not used" not in caplog.text


class Stray(nn.Module):
    """A model whose `forward` makes a tensor on the CPU."""

    def forward(self, x: Tensor) -> Tensor:
        return x.index_select(1, torch.tensor([0, 2]))


class Unregistered(nn.Module):
    """A model with a tensor that is not a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.ones(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


def find_device(model: nn.Module, windows: Tensor) -> torch.device:
    """Run a model whose parameters, buffers and windows are on a device that is not the CPU."""
    held = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    sent = {name: torch.empty_like(tensor, device=META) for name, tensor in held.items()}
    bases = torch.empty_like(windows, device=META)
    with torch.no_grad(), FakeTensorMode() as mode, enable_python_dispatcher():
        fake = {name: FakeTensor(mode, tensor, META) for name, tensor in sent.items()}
        out: Tensor = torch.func.functional_call(model, fake, (FakeTensor(mode, bases, META),))
        return out.device


def test_all_tensors_are_on_the_device_of_the_windows(model, windows):
    assert find_device(model, windows) == META
    assert find_device(prepare_for_inference(model, tracks=[0]), windows) == META


@pytest.mark.parametrize("wrong", [Stray(), Unregistered()])
def test_a_tensor_on_another_device_is_noticed(wrong, windows):
    with pytest.raises((FakeTensorDeviceMismatchError, AssertionError)):
        find_device(wrong, windows)
