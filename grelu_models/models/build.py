"""A model of ours with random weights, from `model_type` and constructor arguments."""

import inspect

from grelu_models.errors import ModelError
from grelu_models.files.architecture import check_architecture
from grelu_models.files.limits import show
from grelu_models.files.metadata import Architecture
from grelu_models.models import ARCHITECTURES, BaseModel

__all__ = ["build_model"]


def build_model(architecture: Architecture) -> BaseModel:
    """Build a model with random weights from `model_type` and constructor arguments.

    Published weights are not fetched.

    Raises
    ------
    ModelError
        If the type or an argument is unknown (the message names it), or the model cannot be built.

    Examples
    --------
    >>> import torch
    >>> model = build_model({"model_type": "ConvModel", "n_tasks": 2, "final_pool_func": None})
    >>> model(torch.zeros(1, 4, 100)).shape
    torch.Size([1, 2, 100])
    """
    arguments = {key: value for key, value in architecture.items() if key != "model_type"}
    kind = architecture.get("model_type")
    if not isinstance(kind, str) or kind not in ARCHITECTURES:
        raise ModelError(f"unknown model_type {show(kind)}: use one of {', '.join(ARCHITECTURES)}")
    model_class = ARCHITECTURES[kind]
    accepted = inspect.signature(model_class).parameters
    unknown = [name for name in arguments if name not in accepted]
    if unknown:
        raise ModelError(f"{kind} has no argument {unknown[0]!r}: it takes {', '.join(accepted)}")
    check_architecture(kind, arguments)
    if "weights" in accepted:
        arguments["weights"] = False
    for name in ("dtype", "device"):  # those of the machine on which the model was trained
        arguments.pop(name, None)
    try:
        return model_class(**arguments)
    except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
        raise ModelError(f"{kind} cannot be built from these arguments: {error}") from error
