"""The input of a Keras model: one-hot bases and nothing else."""

from pathlib import Path
from typing import Any

from grelu_models.errors import ModelError
from grelu_models.files.keras.nodes import list_ends
from grelu_models.files.keras.options import LENGTH, Shape
from grelu_models.files.keras_names import get_config, get_layers, get_name
from grelu_models.files.limits import show

__all__ = ["find_input"]


def find_input(path: Path, model: dict[str, Any]) -> Shape:
    """Return the shape of the only input: (length or None, 4).

    Raises
    ------
    ModelError
        If there are several inputs (the message names them), or it has another shape.
    """
    layers = get_layers(model)
    if model["class_name"] == "Sequential":
        inputs = layers[:1]
    else:
        names = [name for name, _, _ in list_ends(get_config(model).get("input_layers"), path)]
        inputs = [layer for layer in layers if get_name(layer) in names]
        if len(names) != 1:
            shown = ", ".join(names[:10])
            raise ModelError(
                f"{path}: the model has {len(names)} inputs ({shown}), but bases are the only one: "
                "save a model of one input, or use the model_type of a family that supplies others"
            )
    options = get_config(inputs[0]) if inputs else {}
    found = (
        options.get("batch_input_shape"),
        options.get("batch_shape"),
        get_config(model).get("build_input_shape"),
    )
    shape = next((each for each in found if isinstance(each, list)), None)
    if shape is None or len(shape) != 3 or shape[2] != 4 or not _is_length(shape[1]):
        shown = show(shape) if shape is None else show(tuple(shape))
        raise ModelError(
            f"{path}: its input has shape {shown}, not (None, length, 4) with at most {LENGTH:,} "
            "bases"
        )
    return (shape[1], 4)


def _is_length(value: object) -> bool:
    return value is None or (type(value) is int and 0 < value <= LENGTH)
