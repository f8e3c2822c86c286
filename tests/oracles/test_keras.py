"""Keras models give the outputs of Keras 3 on torch; skipped if it is not installed."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from keras_files import draw_bases, predict

graphs = pytest.importorskip("keras_graphs", reason="Keras 3.15 is not installed")
keras, build_graph = graphs.keras, graphs.build_graph

SWEEP = 200


def evaluate(model, bases: np.ndarray) -> list[np.ndarray]:
    """Predict with Keras, in our layout."""
    with torch.inference_mode():
        found = model(bases)
    parts = [each.detach().numpy() for each in (found if isinstance(found, list) else [found])]
    return [each.transpose(0, 2, 1) if each.ndim == 3 else each[:, :, None] for each in parts]


def compare(found: np.ndarray, wanted: np.ndarray) -> None:
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= 1e-5 * np.abs(wanted).max()


@pytest.mark.parametrize("first", range(0, SWEEP, 20))
def test_random_models(tmp_path, first):
    for seed in range(first, first + 20):
        model = build_graph(seed)
        bases = draw_bases(seed, model.input_shape[1])
        wanted = evaluate(model, bases)
        for suffix in ("h5", "keras"):
            path = tmp_path / f"{seed}.{suffix}"
            model.save(path)
            for name, values in zip(model.output_names, wanted, strict=True):
                compare(predict(path, bases, name), values)


def test_weights_are_those_of_the_file_whatever_is_trained(tmp_path):
    """A frozen layer in a nested model changes the order of a .h5 file."""
    inner = keras.Sequential(
        [keras.Input((30, 4)), keras.layers.Dense(4), keras.layers.BatchNormalization()]
        + [keras.layers.Dense(4)],
        name="tower",
    )
    inner.layers[0].trainable = False
    bases = keras.Input((30, 4))
    model = keras.Model(bases, inner(bases))
    rng = np.random.default_rng(0)
    model.set_weights([rng.random(weight.shape) for weight in model.get_weights()])
    given = draw_bases(0, 30)
    for suffix in ("h5", "keras"):
        model.save(tmp_path / f"a.{suffix}")
        compare(predict(tmp_path / f"a.{suffix}", given), evaluate(model, given)[0])


PUBLISHED = Path(__file__).parents[2] / ".oracles"
"""`make oracles` installs the packages spliceai and geneml here: files published by others."""


def find(name: str) -> Path:
    path = PUBLISHED / name
    if not path.exists():
        pytest.skip(f"{name} is not in {PUBLISHED.name}")
    return path


def check_published(path: Path, length: int) -> None:
    model = keras.models.load_model(path, compile=False)
    bases = draw_bases(0, length)
    bases[0, :500] = 0  # N
    compare(predict(path, bases), evaluate(model, bases)[0])


@pytest.mark.parametrize("fold", range(1, 6))
def test_published_spliceai(fold):
    check_published(find(f"spliceai/models/spliceai{fold}.h5"), 11_000)


def test_published_geneml():
    path = find("geneml/models/geneML_default.keras")
    assert "config.json" in zipfile.ZipFile(path).namelist()
    check_published(path, 3000)
