"""gReLU checkpoints: the same outputs, and their own metadata, read with and without torch."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import save_file

from grelu_models.card import ACTIVATIONS, Geometry
from grelu_models.checkpoint import build_model, load
from grelu_models.description import list_tracks, read_metadata
from grelu_models.errors import ModelError
from grelu_models.files.metadata import UNSTATED, Metadata
from grelu_models.files.weights import read_state_dict
from grelu_models.files.weights_file import open_weights
from toys import ARCHITECTURE, write_checkpoint

ROOT = Path(__file__).parents[3]
TINY = Path(__file__).parents[1] / "tiny.ckpt"


def read(path: Path) -> Metadata:
    """The metadata of a weights file and of the file beside it."""
    return read_metadata(open_weights(path))


def test_a_checkpoint_of_grelu_gives_grelus_outputs():
    model, card = load(TINY)
    reference = json.loads((TINY.parent / "tiny_outputs.json").read_text())
    codes = torch.tensor([["ACGTN".index(base) for base in bases] for bases in reference["bases"]])
    with torch.inference_mode():
        logits = model((codes[:, None] == torch.arange(4)[:, None]).float())
    expected = torch.tensor(reference["outputs"])
    assert expected.std(dim=-1).min() > 0
    torch.testing.assert_close(ACTIVATIONS[card.activation](logits), expected, rtol=1e-5, atol=0)


def test_a_checkpoint_of_grelu_describes_itself():
    _, card = load(TINY)
    assert card.geometry == Geometry(window=64, bin=4, crop=1, length=14, tracks=3)
    assert card.activation == "exp"
    assert card.tracks[1] == {
        "name": "kidney +",
        "assay": "ATAC",
        "scale": 0.5,
        "strand_pair": 2,
        "file": "",
    }
    assert card.tracks[2]["scale"] == ""
    assert card.architecture["pool_size"] == 2 and type(card.architecture["pool_size"]) is int
    described = {"task": "regression", "loss": "poisson", "lr": 0.01, "genome": "toy.fa"}
    described |= {"seq_len": 64, "label_len": 56, "rc": True, "max_seq_shift": 1}
    assert described.items() <= card.train.items()
    assert not {"save_dir", "logger", "checkpoint", "devices"} & set(card.train)
    assert json.loads(json.dumps(card.train)) == card.train


def test_bins_and_intervals_of_the_training_are_known():
    metadata = read(TINY)
    assert metadata.bin_size == 4 and metadata.window == 64
    assert set(metadata.intervals) == {"train", "val"}
    held_out = metadata.intervals["val"]
    assert held_out["chrom"] == ["chrB"] * 8
    assert held_out["start"] == list(range(100, 500, 50))
    assert held_out["end"] == [start + 64 for start in held_out["start"]]


def test_a_checkpoint_is_the_same_model_as_its_parts(tmp_path):
    model, card = load(TINY)
    save_file(model.state_dict(), tmp_path / "parts.safetensors")
    metadata = {"architecture": card.architecture, "window": 64, "activation": "exp"}
    (tmp_path / "parts.yaml").write_text(yaml.safe_dump(metadata))
    assert load(tmp_path / "parts.safetensors")[1].digest == card.digest == load(TINY)[1].digest


def test_a_file_beside_a_checkpoint_takes_precedence_key_by_key(tmp_path):
    copy = Path(shutil.copy(TINY, tmp_path))
    names = [{"name": name} for name in "abc"]
    copy.with_suffix(".yaml").write_text(yaml.safe_dump({"tracks": names, "activation": None}))
    _, card = load(copy)
    assert card.tracks == names and card.activation is None and card.geometry.window == 64


def test_bins_of_the_training_must_be_those_of_the_model(tmp_path):
    copy = Path(shutil.copy(TINY, tmp_path))
    copy.with_suffix(".yaml").write_text("bin_size: 8")
    message = (
        "tiny.yaml: the metadata state bins of 8 bp, but those of the model are 4 bp: "
        "check bin_size and model.architecture"
    )
    with pytest.raises(ModelError, match=message):
        load(copy)
    pooled = {**read(copy).architecture, "final_pool_func": "avg"}
    assert load(copy, architecture=pooled)[1].geometry.bin is None


def test_tracks_of_a_checkpoint_are_listed_without_torch():
    code = (
        "import sys; from pathlib import Path;"
        "from grelu_models.description import list_tracks;"
        f"assert [t['name'] for t in list_tracks(Path({str(TINY)!r}))][0] == 'liver';"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT)}, check=True)


def test_named_tracks_are_counted_if_the_architecture_leaves_their_number_open(tmp_path):
    given = {"model_params": {**ARCHITECTURE, "n_tasks": None}}
    path = write_checkpoint(tmp_path / "a.ckpt", hyper_parameters=given)
    assert [track["name"] for track in list_tracks(path)] == ["one", "two", "three"]
    path = write_checkpoint(tmp_path / "b.ckpt", hyper_parameters=given, data_params={})
    with pytest.raises(ModelError, match="the architecture needs n_tasks"):
        list_tracks(path)


@pytest.mark.parametrize(
    ("task", "loss", "activation"),
    [
        ("regression", "poisson", "exp"),
        ("regression", "Poisson_Multinomial", "exp"),
        ("regression", "MSE", None),
        ("binary", "bce", "sigmoid"),
        ("multiclass", "ce", "softmax"),
    ],
)
def test_the_activation_follows_from_task_and_loss(tmp_path, task, loss, activation):
    given = {"model_params": ARCHITECTURE, "train_params": {"task": task, "loss": loss}}
    _, card = load(write_checkpoint(tmp_path / "a.ckpt", hyper_parameters=given))
    assert card.activation == activation


def test_an_unknown_loss_is_an_error_and_no_training_leaves_the_activation_open(tmp_path):
    given = {"model_params": ARCHITECTURE, "train_params": {"task": "regression", "loss": "huber"}}
    path = write_checkpoint(tmp_path / "a.ckpt", hyper_parameters=given)
    with pytest.raises(ModelError, match="a.ckpt: train_params: .* 'regression' with loss 'huber'"):
        read(path)
    path = write_checkpoint(tmp_path / "b.ckpt", hyper_parameters={"model_params": ARCHITECTURE})
    assert read(path).activation is UNSTATED


def test_the_flat_layout_of_older_grelu_is_read(tmp_path):
    interval = {"chrom": ["chr1"], "start": [5], "end": [101], "strand": ["+"]}
    flat = {"train_seq_len": 96, "train_bin_size": 4, "train_rc": True, "val_intervals": interval}
    data = {"train_intervals": None, **flat}
    metadata = read(write_checkpoint(tmp_path / "a.ckpt", data_params=data))
    assert (metadata.window, metadata.bin_size, metadata.train["rc"]) == (96, 4, True)
    assert metadata.intervals == {"val": {"chrom": ["chr1"], "start": [5], "end": [101]}}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"tasks": {"name": ["a", "b"], "assay": ["x"]}}, "column 'assay' is not a list of 2"),
        ({"tasks": {"name": "abc"}}, "column 'name' is not a list"),
        (
            {"val": {"intervals": {"chrom": ["1"], "start": [1], "end": []}}},
            "val: the columns of intervals are not lists of one length",
        ),
        (
            {"val": {"intervals": {"chrom": ["1"], "start": [1], "end": [None]}}},
            "val: intervals need whole numbers",
        ),
    ],
)
def test_data_that_contradict_themselves_are_named(tmp_path, data, message):
    path = write_checkpoint(tmp_path / "a.ckpt", data_params=data)
    with pytest.raises(ModelError, match=f"a.ckpt: data_params: .*{message}"):
        read(path)


def test_an_architecture_of_more_than_plain_values_is_named(tmp_path):
    given = {"model_params": {**ARCHITECTURE, "kernel_size": [torch.ones(1)]}}
    path = write_checkpoint(tmp_path / "a.ckpt", hyper_parameters=given)
    with pytest.raises(ModelError, match=r"model_params: kernel_size is \[\(not read\)\]"):
        read(path)


def test_tensors_of_loss_and_metrics_are_left_out(tmp_path):
    others = ["loss.pos_weight", "val_metrics.val_mse.total", "test_metrics.test_mse.total"]
    path = write_checkpoint(tmp_path / "a.ckpt", tensors={name: torch.ones(3) for name in others})
    assert list(read_state_dict(path)) == list(build_model(ARCHITECTURE).state_dict())
    path = write_checkpoint(tmp_path / "b.ckpt", tensors={"teacher.weight": torch.ones(1)})
    message = (
        r"b.ckpt: not a gReLU checkpoint: tensor teacher.weight is neither part of the model "
        r"\(model\.…\) nor of loss\.…, val_metrics\.…, test_metrics\.…"
    )
    with pytest.raises(ModelError, match=message):
        load(path)
