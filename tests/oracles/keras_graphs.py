"""Random Keras models of the layers that model_type Keras knows. Needs Keras 3 on torch."""

import os
import random

import numpy as np

os.environ["KERAS_BACKEND"] = "torch"

import keras
from keras import layers as L

from keras_files import draw_bases

ACTIVATIONS = [
    *("relu", "elu", "selu", "gelu", "sigmoid", "softplus", "softsign", "silu", "tanh"),
    *("hard_sigmoid", "linear", "leaky_relu", "relu6", "mish", "softmax", "log_softmax", None),
]
PADDINGS = ["valid", "same", "causal"]


def make_convolution(r: random.Random, x):
    """Conv1D, SeparableConv1D or DepthwiseConv1D."""
    kernel = r.choice([1, 2, 3, 4, 5, 8])
    strided = r.random() < 0.25
    options = {
        "kernel_size": kernel,
        "strides": r.choice([2, 3]) if strided else 1,
        "dilation_rate": 1 if strided else r.choice([1, 1, 2, 3]),
        "padding": r.choice(PADDINGS),
        "use_bias": r.random() < 0.7,
        "activation": r.choice(ACTIVATIONS),
    }
    reach = (kernel - 1) * options["dilation_rate"] + 1
    if x.shape[1] < reach + 4:
        options["padding"] = "same"
    kind = r.choice(["plain", "plain", "plain", "groups", "separable", "depthwise"])
    if kind in ("separable", "depthwise") and options["padding"] == "causal":
        options["padding"] = "same"
    if kind == "separable":
        return L.SeparableConv1D(r.choice([3, 6]), depth_multiplier=r.choice([1, 2]), **options)
    if kind == "depthwise":
        return L.DepthwiseConv1D(depth_multiplier=r.choice([1, 2]), **options)
    groups = 2 if kind == "groups" and x.shape[-1] % 2 == 0 else 1
    return L.Conv1D(r.choice([4, 6, 8]), groups=groups, **options)


def make_norm(r: random.Random, x):
    flags = {"center": r.random() < 0.8, "scale": r.random() < 0.8}
    kind = r.choice([L.BatchNormalization, L.LayerNormalization])
    return kind(epsilon=r.choice([1e-3, 1e-5, 0.1]), **flags)


def make_activation(r: random.Random, x):
    return r.choice(
        [
            lambda: L.Activation(r.choice(ACTIVATIONS[:-1])),
            lambda: L.ReLU(
                max_value=r.choice([None, 1.5]),
                negative_slope=r.choice([0.0, 0.1]),
                threshold=r.choice([0.0, 0.2]),
            ),
            lambda: L.LeakyReLU(r.choice([0.1, 0.3])),
            lambda: L.ELU(r.choice([0.5, 1.0])),
            lambda: L.Softmax(axis=r.choice([-1, 1, 2])),
            lambda: L.PReLU(shared_axes=[1]),
            lambda: L.PReLU(),
        ]
    )()


def make_pool(r: random.Random, x):
    size, stride = r.choice([2, 3, 4]), r.choice([None, 1, 2, 3])
    if r.random() < 0.5:
        return L.MaxPooling1D(size, stride, padding=r.choice(["valid", "same"]))
    return L.AveragePooling1D(size, stride)  # "same": see test_keras


def make_recurrent(r: random.Random, x):
    options = {
        "return_sequences": True,
        "go_backwards": r.random() < 0.2,
        "use_bias": r.random() < 0.8,
        "activation": r.choice(["tanh", "tanh", "relu"]),
        "recurrent_activation": r.choice(["sigmoid", "sigmoid", "hard_sigmoid"]),
    }
    if r.random() < 0.5:
        cell = L.GRU(r.choice([2, 5]), reset_after=r.random() < 0.6, **options)
    else:
        cell = L.LSTM(r.choice([2, 5]), **options)
    if r.random() < 0.6:
        cell.go_backwards = False
        return L.Bidirectional(cell, merge_mode=r.choice(["concat", "sum", "mul", "ave"]))
    return cell


def make_shape(r: random.Random, x):
    length, channels = x.shape[1:]
    makers = [
        lambda: L.ZeroPadding1D((r.randrange(3), r.randrange(4))),
        lambda: L.Dropout(0.3),
        lambda: L.SpatialDropout1D(0.2),
        lambda: L.GaussianNoise(0.1),
        lambda: L.ActivityRegularization(l2=0.1),
        lambda: L.Permute((2, 1)),
    ]
    if length > 12:
        makers.append(lambda: L.Cropping1D((r.randrange(1, 4), r.randrange(3))))
    if length < 60:
        makers.append(lambda: L.UpSampling1D(r.choice([2, 3])))
    if length % 2 == 0:
        makers.append(lambda: L.Reshape((length // 2, r.choice([-1, channels * 2]))))
    return r.choice(makers)()


def make_dense(r: random.Random, x):
    dense = L.Dense(r.choice([3, 5]), activation=r.choice(ACTIVATIONS), use_bias=r.random() < 0.8)
    return L.TimeDistributed(dense) if r.random() < 0.15 else dense


def make_nested(r: random.Random, x):
    """A Sequential or Functional model of some layers."""
    shape = x.shape[1:]
    if r.random() < 0.5:
        parts = [keras.Input(shape), L.Conv1D(4, 3, padding="same"), L.BatchNormalization()]
        parts.append(L.Dense(3, activation="relu"))
        model = keras.Sequential(parts)
    else:
        inner = keras.Input(shape)
        y = L.Conv1D(shape[-1], 3, padding="same")(inner)
        y = L.BatchNormalization()(y)
        if r.random() < 0.4:
            y = keras.Sequential([keras.Input(y.shape[1:]), L.Dense(shape[-1])])(y)
        model = keras.Model(inner, L.Add()([inner, y]))
    if r.random() < 0.4:
        model.layers[-2].trainable = False
    return model


MAKERS = [
    *(make_convolution, make_convolution, make_convolution, make_norm, make_activation),
    *(make_pool, make_recurrent, make_shape, make_dense, make_nested),
]


def add_merge(r: random.Random, x):
    """A branch that is merged with its input, or that shares a layer between two inputs."""
    channels = x.shape[-1]
    conv = L.Conv1D(channels, r.choice([3, 5]), padding="same", activation=r.choice(ACTIVATIONS))
    branch = conv(x)
    if r.random() < 0.3:
        branch = conv(branch)  # shared
    kind = r.choice(["add", "multiply", "average", "subtract", "maximum", "minimum", "concat"])
    if kind == "concat":
        return L.Concatenate(axis=r.choice([-1, 1, 2]))([x, branch])
    if r.random() < 0.3:
        branch = L.GlobalAveragePooling1D(keepdims=True)(branch)
    both = [x, branch]
    if kind in ("add", "average", "maximum") and r.random() < 0.3:
        both.append(L.Dense(channels)(x))
    return getattr(L, kind.title())()(both)


def add_shared(r: random.Random, x):
    """A nested model that is used twice, on its own output or on another input."""
    inner = keras.Input(x.shape[1:])
    y = L.Conv1D(x.shape[-1], 3, padding="same", activation=r.choice(ACTIVATIONS))(inner)
    y = L.BatchNormalization()(y)
    if r.random() < 0.5:
        tower = keras.Sequential([keras.Input(x.shape[1:]), L.Dense(x.shape[-1], "tanh")])
    else:
        tower = keras.Model(inner, [y, L.GlobalMaxPooling1D(keepdims=True)(y)])
    first = tower(x)
    if isinstance(first, list):
        second = tower(L.Add()(first))
        return L.Concatenate()([first[0], L.Multiply()(second)])
    return L.Add()([first, tower(first), tower(x)])


def add_head(r: random.Random, x, name: str):
    """Features, or a value per position."""
    end = r.choice(["spatial", "spatial", "average", "max", "flat", "recurrent"])
    if end == "average":
        x = L.GlobalAveragePooling1D()(x)
    elif end == "max":
        x = L.GlobalMaxPooling1D(keepdims=r.random() < 0.5)(x)
    elif end == "flat":
        x = L.Flatten()(x)
        if r.random() < 0.3:
            x = L.RepeatVector(3)(L.Dense(4, activation="relu")(x))
    elif end == "recurrent":
        x = L.Bidirectional(r.choice([L.GRU, L.LSTM])(3))(x)
    return L.Dense(r.choice([1, 3]), activation=r.choice(ACTIVATIONS), name=name)(x)


def build_graph(seed: int) -> keras.Model:
    """A random model with random weights; with two outputs, they are named first and second.

    Its outputs are finite and of order 1: others, which rounding dominates, are drawn again.
    """
    for attempt in range(100):
        model = _build(seed + 10_000 * attempt)
        found = model(draw_bases(seed, model.input_shape[1]))
        values = [each.detach().numpy() for each in (found if isinstance(found, list) else [found])]
        if all(np.isfinite(each).all() and np.ptp(each) > 0.1 for each in values):
            return model
    raise AssertionError("no model with finite outputs")


def _build(seed: int) -> keras.Model:
    r = random.Random(seed)
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    length = r.randrange(40, 70)
    x = bases = keras.Input((length, 4), name="bases")
    for _ in range(r.randrange(2, 9)):
        if x.shape[1] < 6 or x.shape[1] * x.shape[2] > 20_000:
            break
        kind = r.random()
        if kind < 0.3:
            x = (add_shared if kind < 0.05 else add_merge)(r, x)
        else:
            x = r.choice(MAKERS)(r, x)(x)
    outputs = add_head(r, x, "first")
    if r.random() < 0.25:
        outputs = [outputs, add_head(r, x, "second")]
    model = keras.Model(bases, outputs)
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        shape = tuple(variable.shape)
        values = rng.normal(size=shape) * 0.5
        variable.assign(np.abs(values) + 0.3 if "variance" in variable.name else values)
    return model
