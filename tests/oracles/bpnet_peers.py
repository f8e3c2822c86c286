"""Models of bpnet-lite 1.1.0, and those of chrombpnet and basepairmodels built in Keras 3.15.1.

A package is needed only to build one of its models.
"""

import os
import sys
from functools import cache
from types import ModuleType, SimpleNamespace

import torch
from torch import Tensor, nn


@cache
def import_lite() -> SimpleNamespace:
    """The classes of bpnet-lite; of tangermeme, which it uses in training, only names exist."""
    names = ["tangermeme", "tangermeme.predict"]
    modules = {name: ModuleType(name) for name in names}
    modules[names[-1]].predict = None
    sys.modules.update(modules)
    try:
        from bpnetlite.bpnet import BasePairNet, BPNet, ControlWrapper
        from bpnetlite.chrombpnet import ChromBPNet
    finally:
        for name in names:
            del sys.modules[name]
    return SimpleNamespace(
        BPNet=BPNet, BasePairNet=BasePairNet, ChromBPNet=ChromBPNet, ControlWrapper=ControlWrapper
    )


def make_lite(kind: str = "BPNet", **config) -> nn.Module:
    """Build a model of bpnet-lite. `bias` of a ChromBPNet holds the arguments of its bias model."""
    lite = import_lite()
    if kind == "ChromBPNet":
        bias = lite.BPNet(**config.pop("bias"), verbose=False)
        return lite.ChromBPNet(bias, lite.BPNet(**config, verbose=False)).eval()
    return getattr(lite, kind)(**config, verbose=False).eval()


def evaluate_lite(model: nn.Module, bases: Tensor) -> tuple[Tensor, Tensor]:
    """Predict logits and log counts, with control tracks of zeros."""
    with torch.inference_mode():
        if hasattr(model, "bias"):
            return model(bases)
        return import_lite().ControlWrapper(model)(bases)


@cache
def import_keras() -> ModuleType:
    """Keras on torch."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    return keras


def add_counts(x: Tensor) -> Tensor:
    """Log counts (N, n) -> those of their sum (N, 1). A model that contains it can be saved."""
    from keras import ops

    return ops.logsumexp(x, axis=-1, keepdims=True)


def make_chrombpnet_part(
    *, filters: int, layers: int, window: int, positions: int, prefix: str = ""
) -> nn.Module:
    """Build one of chrombpnet's two models in Keras; the prefix is "wo_bias_bpnet_" or empty."""
    keras = import_keras()
    from keras import layers as kl

    stem = prefix or "bpnet_"
    bases = keras.Input((window, 4), name="sequence")
    x = kl.Conv1D(filters, 21, activation="relu", name=f"{stem}1st_conv")(bases)
    for i in range(1, layers + 1):
        conv = kl.Conv1D(filters, 3, activation="relu", dilation_rate=2**i, name=f"{stem}{i}conv")(
            x
        )
        x = kl.add([conv, kl.Cropping1D(2**i, name=f"{stem}{i}crop")(x)])
    profile = kl.Conv1D(1, 75, name=f"{prefix}prof_out_precrop")(x)
    before = "logitt_before_flatten" if prefix else "logits_profile_predictions_preflatten"
    profile = kl.Cropping1D((profile.shape[1] - positions) // 2, name=f"{prefix}{before}")(profile)
    profile = kl.Flatten(name=f"{prefix}logits_profile_predictions")(profile)
    mean = kl.GlobalAveragePooling1D(name="gap")(x)
    counts = kl.Dense(1, name=f"{prefix}logcount_predictions")(mean)
    name = "model_wo_bias" if prefix else "model"
    return keras.Model(bases, [profile, counts], name=name)


def make_chrombpnet(bias: nn.Module, accessibility: nn.Module, window: int) -> nn.Module:
    """Build chrombpnet's whole model in Keras, whose counts are joined by a Lambda layer."""
    keras = import_keras()
    from keras import layers as kl

    bases = keras.Input((window, 4), name="sequence")
    two, one = accessibility(bases), bias(bases)
    profile = kl.Add(name="logits_profile_predictions")([two[0], one[0]])
    counts = kl.Concatenate()([two[1], one[1]])
    join = kl.Lambda(add_counts, name="logcount_predictions")
    return keras.Model(bases, [profile, join(counts)])


def make_basepairmodels(
    *, filters: int, layers: int, window: int, positions: int, outputs: int, controls: int
) -> nn.Module:
    """Build a BPNet of basepairmodels in Keras."""
    keras = import_keras()
    from keras import layers as kl

    bases = keras.Input((window, 4), name="sequence")
    x = kl.Conv1D(filters, 21, name="main_conv_0")(bases)
    for i in range(1, layers + 1):
        conv = kl.Conv1D(filters, 3, dilation_rate=2**i, name=f"main_dil_conv_{i}")(kl.ReLU()(x))
        x = kl.add([conv, kl.Cropping1D(2**i, name=f"main_{i}_cr")(x)], name=f"main_add_{i}")
    x = kl.ReLU()(x)
    head = kl.Conv1D(outputs, 75, name="main_profile_head")(x)
    crop, pool = (head.shape[1] - positions) // 2, kl.GlobalAveragePooling1D(name="main_pool")
    if not controls:
        profile = kl.Cropping1D(crop, name="profile_predictions")(head)
        return keras.Model(bases, [profile, kl.Dense(1, name="logcounts_predictions")(pool(x))])
    head = kl.Cropping1D(crop, name="main_profile_head_cropped")(head)
    tracks = keras.Input((positions, controls), name="profile_bias_input_0")
    counted = keras.Input((controls,), name="counts_bias_input_0")
    profile = kl.Conv1D(outputs, 1, name="profile_predictions")(kl.concatenate([head, tracks]))
    total = kl.Lambda(add_counts)(counted)
    counts = kl.concatenate([kl.Dense(1, name="main_counts_head")(pool(x)), total])
    counts = kl.Dense(1, name="logcounts_predictions")(counts)
    return keras.Model([bases, tracks, counted], [profile, counts])


def evaluate_keras(model: nn.Module, bases: Tensor) -> tuple[Tensor, Tensor]:
    """Predict logits (N, outputs, positions) and log counts, with control tracks of zeros.

    The counts of controls are given as basepairmodels gives them: log(1 + 0) of each track.
    """
    with torch.inference_mode():
        given = [bases.mT] + [
            torch.zeros(len(bases), *tensor.shape[1:]) for tensor in model.inputs[1:]
        ]
        profile, counts = model(given if len(given) > 1 else given[0])
        profile = profile[:, None] if profile.ndim == 2 else profile.mT
        return profile, counts
