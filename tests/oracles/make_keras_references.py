"""Make tests/grelu_models/models/keras_references.json with Keras 3.15: run this file.

A reference holds the config of a random model, the shapes of its variables in the file, and
values of its outputs. The variables follow from their paths, so that no file has to be stored.
"""

import io
import itertools
import json
import tempfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import torch

from keras_files import draw_bases, write_reference
from keras_graphs import build_graph, keras

COUNT = 20
TRAINING = ("initializer", "regularizer", "constraint")
UNUSED = ("module", "registered_name", "build_config", "dtype", "seed", "shared_object_id")


def drop_unused(value: object) -> object:
    """A config without what prediction does not need."""
    if isinstance(value, list):
        return [drop_unused(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {
        key: drop_unused(part)
        for key, part in value.items()
        if key not in UNUSED and not key.endswith(TRAINING)
    }


def list_shapes(path: Path, zipped: bool) -> dict:
    """Shapes of the variables: by layer and path of a .h5 file, by path of a .keras file."""
    if zipped:
        shapes: dict = {}
        with h5py.File(io.BytesIO(zipfile.ZipFile(path).read("model.weights.h5"))) as file:
            file.visititems(
                lambda name, found: (
                    shapes.__setitem__(name, list(found.shape))
                    if isinstance(found, h5py.Dataset) and name.startswith("layers")
                    else None
                )
            )
        return shapes
    with h5py.File(path) as file:
        group = file["model_weights"]
        return {
            layer: {
                name: list(group[layer][name].shape) for name in group[layer].attrs["weight_names"]
            }
            for layer in group.attrs["layer_names"]
        }


def read_config(path: Path, zipped: bool) -> dict:
    if zipped:
        return json.loads(zipfile.ZipFile(path).read("config.json"))
    with h5py.File(path) as file:
        return json.loads(file.attrs["model_config"])


def make_reference(seed: int, folder: Path) -> dict | None:
    """The record of one random model, as Keras evaluates the file that tests write of it."""
    zipped = seed % 2 == 1
    path = folder / ("a.keras" if zipped else "a.h5")
    built = build_graph(seed)
    built.save(path)
    config, shapes = read_config(path, zipped), list_shapes(path, zipped)
    record = {"seed": seed, "zipped": zipped, "config": config, "shapes": shapes}
    write_reference(path, record)
    model = keras.models.load_model(path, compile=False)
    bases = draw_bases(seed, model.input_shape[1])
    with torch.inference_mode():
        found = model(bases)
    record["length"] = model.input_shape[1]
    record["config"] = drop_unused(config)
    record["outputs"] = {}
    for name, values in zip(
        model.output_names, found if isinstance(found, list) else [found], strict=True
    ):
        values = values.numpy()
        values = values.transpose(0, 2, 1) if values.ndim == 3 else values[:, :, None]
        if not np.isfinite(values).all() or np.ptp(values) < 0.1:
            return None  # with these variables, rounding dominates
        flat = values.ravel()
        step = max(1, len(flat) // 40)
        record["outputs"][name] = {
            "shape": list(values.shape),
            "largest": float(f"{np.abs(values).max():.7g}"),
            "values": [float(f"{value:.7g}") for value in flat[::step]],
        }
    return record


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = (make_reference(seed, Path(folder)) for seed in itertools.count())
        records = [*itertools.islice((one for one in found if one is not None), COUNT)]
    path = Path(__file__).parents[1] / "grelu_models" / "models" / "keras_references.json"
    path.write_text("[\n" + ",\n".join(json.dumps(record) for record in records) + "\n]\n")


if __name__ == "__main__":
    main()
