"""A small model of each family and kind of file, loaded from a file that is written first."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import nn

from bpnet_files import write_torch
from cases import SMALL_BORZOI, SMALL_ENFORMER, fill_weights, make_bases
from grelu_models.checkpoint import build_model, load_unmeasured
from grelu_models.families.own_code import find_code
from grelu_models.models.bpnet import BPNet
from grelu_models.models.chrombpnet import ChromBPNet
from keras_files import draw_values, layer, model, write_keras
from mixed_module import Mixed
from spliceai_files import write_keras2

WINDOW = 128
"""Base pairs that all of them take."""


def make_architecture(folder: Path, **architecture) -> nn.Module:
    """One of gReLU's classes."""
    made = build_model(architecture)
    fill_weights(made.state_dict())
    return made.eval()


def make_spliceai(folder: Path) -> nn.Module:
    weights = write_keras2(folder / "spliceai.h5", 80)
    return load_unmeasured(weights, architecture={"model_type": "SpliceAI"})[0]


def make_bpnet(folder: Path) -> nn.Module:
    state = BPNet(n_filters=6, n_layers=3, n_outputs=2).state_dict()
    fill_weights(state)
    weights = write_torch(folder / "bpnet.pt", state)
    return load_unmeasured(weights, architecture={"model_type": "BPNet"})[0]


def make_chrombpnet(folder: Path) -> nn.Module:
    deep, shallow = (BPNet(n_filters=6, n_layers=n, n_outputs=1, trim=61) for n in (3, 2))
    made = ChromBPNet(accessibility=deep, bias=shallow)
    fill_weights(made.state_dict())
    return made.eval()


def make_keras(folder: Path) -> nn.Module:
    """Layers of most kinds: one recurrent layer of torch, one that runs step by step."""
    steps = {"return_sequences": True, "activation": "tanh"}
    sigmoids = [{"recurrent_activation": kind} for kind in ("sigmoid", "hard_sigmoid")]
    config = model(
        layer("InputLayer", "bases", batch_input_shape=[None, WINDOW, 4]),
        layer("Conv1D", "c1", "bases", filters=6, kernel_size=[4], padding="same"),
        layer("BatchNormalization", "n1", "c1"),
        layer("PReLU", "p1", "n1", shared_axes=[1]),
        layer("AveragePooling1D", "a1", "p1", pool_size=[9], strides=[8], padding="same"),
        layer("GRU", "g1", "a1", units=4, reset_after=True, **steps, **sigmoids[0]),
        layer("LSTM", "l1", "g1", units=4, **steps, **sigmoids[1]),
        layer("LayerNormalization", "n2", "l1"),
        layer("Dense", "d1", "n2", units=3, activation="softplus"),
        layer("Cropping1D", "x1", "d1", cropping=[2, 2]),
    )
    shapes = {
        "conv1d": [[4, 4, 6], [6]],
        "batch_normalization": [[6]] * 4,
        "p_re_lu": [[1, 6]],
        "gru/cell": [[6, 12], [4, 12], [2, 12]],
        "lstm/cell": [[4, 16], [4, 16], [16]],
        "layer_normalization": [[4]] * 2,
        "dense": [[4, 3], [3]],
    }
    weights = {}
    for part, of in shapes.items():
        for i, shape in enumerate(of):
            name = f"layers/{part}/vars/{i}"
            weights[name] = draw_values(name, shape)
    return load_unmeasured(write_keras(folder / "keras.keras", config, weights))[0]


def make_mixed() -> Mixed:
    made = Mixed().eval()
    fill_weights(made.state_dict())
    return made


def make_program(folder: Path, *, fixed: bool) -> nn.Module:
    """A program of torch.export; `fixed`: for two windows at a time."""
    windows = make_bases(WINDOW).transpose(1, 2)
    dynamic = None if fixed else ({0: torch.export.Dim("windows")},)
    program = torch.export.export(make_mixed(), (windows,), dynamic_shapes=dynamic)
    torch.export.save(program, folder / "model.pt2")
    return load_unmeasured(folder / "model.pt2")[0]


def make_own(folder: Path) -> nn.Module:
    """A module of the user's own, channels last."""
    weights = write_torch(folder / "own.pt", make_mixed().state_dict())
    code = find_code("mixed_module:Mixed", Path(__file__).parent)
    return load_unmeasured(weights, architecture={"layout": "NLC"}, code=code)[0]


Maker = Callable[[Path], nn.Module]

CLASSES: dict[str, Maker] = {
    "ConvModel": partial(make_architecture, model_type="ConvModel", n_tasks=3, crop_len=2),
    "ConvGRUModel": partial(make_architecture, model_type="ConvGRUModel", n_tasks=3),
    "BorzoiModel": partial(
        make_architecture, model_type="BorzoiModel", **SMALL_BORZOI | {"crop_len": 4}
    ),
    "EnformerModel": partial(make_architecture, model_type="EnformerModel", **SMALL_ENFORMER),
}
"""Name -> function that makes a model (N, 4, 128) -> (N, tracks, bins), in a folder."""

FAMILIES: dict[str, Maker] = {
    "SpliceAI": make_spliceai,
    "BPNet": make_bpnet,
    "ChromBPNet": make_chrombpnet,
    "Keras": make_keras,
    "program": partial(make_program, fixed=False),
    "program for two windows": partial(make_program, fixed=True),
    "own module": make_own,
}
"""The same of the families that are not gReLU's."""
