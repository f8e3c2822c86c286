"""Models of Keras 3.15.1, on its torch backend, and of OpenSpliceAI 0.0.7."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from torch import nn


def load_keras(path: Path) -> Callable:
    """Load a Keras model: (N, L, C) -> (N, L, C)."""
    os.environ["KERAS_BACKEND"] = "torch"
    keras = pytest.importorskip("keras", reason="keras 3.15.1 is not installed")
    return keras.models.load_model(path, compile=False)


def make_openspliceai(context: int, channels: int = 4) -> nn.Module:
    """Build a model of OpenSpliceAI for a context of 80, 400, 2,000 or 10,000 bp."""
    pytest.importorskip("openspliceai", reason="openspliceai 0.0.7 is not installed")
    from openspliceai.train_base.openspliceai import SpliceAI

    stages = {80: (11, 1), 400: (11, 4), 2000: (21, 10), 10_000: (41, 25)}
    used = [size for other, size in stages.items() if other <= context]
    kernels, dilations = np.repeat(np.array(used), 4, axis=0).T
    return SpliceAI(channels, kernels, dilations).eval()
