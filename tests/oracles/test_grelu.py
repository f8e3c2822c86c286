"""Models of random hyper-parameters give the outputs of gReLU; skipped if it is not installed."""

import random
from importlib import import_module

import pytest
import torch

from cases import outputs

oracle = pytest.importorskip("grelu.model.models", reason="gReLU 1.1.0 is not installed")

ACTIVATIONS = ["relu", "elu", "gelu", "gelu_borzoi", "gelu_enformer", "softplus", "exp", None]
SAFE = ACTIVATIONS[:-2]  # keep numbers small over many layers
FINAL = ["avg", "max", None]


def draw_pool(r):
    pool = r.choice(["avg", "max", "attn", None])
    # Attention pooling of gReLU pads for pairs only.
    size = None if pool is None else 2 if pool == "attn" else r.choice([2, 3])
    return {"pool_func": pool, "pool_size": size}


def draw_norm(r, *, length=None):
    kinds = ["batch", "syncbatch", "instance"] + (["layer"] if length else [])
    eps = r.choice([None, {"eps": 0.001}])
    return {"norm": r.choice([True, False]), "norm_type": r.choice(kinds), "norm_kwargs": eps}


def draw_tower(r, norm="norm"):
    return {
        "stem_channels": r.choice([4, 7]),
        "stem_kernel_size": r.choice([7, 8, 15]),
        "n_conv": r.choice([1, 2, 4]),
        "channel_init": r.choice([4, 6]),
        "channel_mult": r.choice([1, 1.5, 2]),
        "kernel_size": r.choice([1, 3, 4, 5]),
        "act_func": r.choice(SAFE),
        norm: r.choice([True, False]),
        "residual": r.choice([True, False]),
        **draw_pool(r),
    }


def draw_crop(r, drawn):
    return {"crop_len": r.choice([0, 2] if drawn["pool_func"] else [0, 1, "auto"])}


def draw_transformer(r):
    return {
        "n_heads": r.choice([1, 2, 3]),
        "key_len": r.choice([2, 5]),
        "value_len": r.choice([3, 4]),
        "n_pos_features": r.choice([2, 4, 10]),
        "pos_dropout": 0.1,
        "attn_dropout": 0.1,
        "ff_dropout": r.choice([0, 0.2]),
    }


def draw_borzoi(r):
    return {
        "stem_channels": r.choice([4, 8]),
        "stem_kernel_size": r.choice([15, 8]),
        "init_channels": r.choice([32, 48]),
        "channels": r.choice([64, 96]),
        "n_conv": r.choice([3, 4, 5]),
        "kernel_size": r.choice([3, 5]),
        "n_transformers": r.choice([1, 2]),
        **draw_transformer(r),
        "crop_len": r.choice([0, 3]),
        "norm_kwargs": r.choice([None, {"eps": 0.01}]),
        "act_func": r.choice(["gelu_borzoi", "gelu"]),
    }


def draw_enformer(r):
    return {
        "n_conv": r.choice([3, 4]),
        "channels": 384,
        "n_transformers": r.choice([1, 2]),
        "n_heads": r.choice([2, 4, 8]),
        "key_len": r.choice([3, 8]),
        "attn_dropout": 0.1,
        "pos_dropout": 0.1,
        "ff_dropout": 0.4,
        "crop_len": r.choice([0, 2]),
    }


def conv_block(r):
    order = r.choice(["CDNRA", "NACDR", "NACRD", "ACDRN", "CNARD"])
    length = r.choice([None, 6])
    drawn = {
        "in_channels": 6 if length else r.choice([4, 6]),
        "out_channels": 6,
        "kernel_size": r.choice([1, 3, 4]),
        "dilation": r.choice([1, 2, 3]),
        "act_func": r.choice(ACTIVATIONS),
        "dropout": r.choice([0, 0.2]),
        "residual": r.choice([True, False]),
        "return_pre_pool": r.choice([True, False]),
        "bias": r.choice([True, False]),
        "order": order,
        **draw_norm(r, length=length),
        **draw_pool(r),
    }
    return drawn, (2, drawn["in_channels"], length or r.choice([20, 21]))


def channel_block(r):
    drawn = {
        "in_channels": r.choice([4, 6]),
        "out_channels": 6,
        "act_func": r.choice(ACTIVATIONS),
        "order": r.choice(["CDNA", "NACD", "CNAD"]),
        "if_equal": r.choice([True, False]),
        "norm": r.choice([True, False]),
        "norm_type": r.choice(["batch", "instance"]),
    }
    # If the norm comes first, gReLU uses batch norm and ignores norm_type.
    if drawn["order"] == "NACD":
        drawn["norm_type"] = "batch"
    return drawn, (2, drawn["in_channels"], 9)


def norm_layer(r):
    kind = r.choice(["batch", "syncbatch", "instance", "layer", None])
    return {"func": kind, "in_dim": 6}, (2, 6, 6)


def channels(r, drawn, **more):
    return {**drawn, **more}, "bases"


def tower(r):
    drawn = draw_tower(r)
    drawn["n_blocks"] = drawn.pop("n_conv")
    drawn |= {"dilation_init": r.choice([1, 2]), "dilation_mult": r.choice([1, 1.5])}
    drawn |= {"order": r.choice(["CDNRA", "NACDR"]), "norm_kwargs": r.choice([None, {"eps": 0.1}])}
    return drawn | draw_crop(r, drawn), "bases"


def conv_trunk(r):
    drawn = draw_tower(r) | {"dropout": 0.2, "dilation_init": r.choice([1, 2])}
    drawn |= {"dilation_mult": r.choice([1, 1.5, 2])}
    return drawn | draw_crop(r, drawn), "bases"


def dilated_trunk(r):
    return {
        "channels": r.choice([4, 8]),
        "stem_kernel_size": r.choice([7, 8, 21]),
        "kernel_size": r.choice([3, 5]),
        "dilation_mult": r.choice([1, 1.5, 2]),
        "act_func": r.choice(SAFE),
        "n_conv": r.choice([1, 2, 5]),
        "crop_len": r.choice(["auto", 0, 3]),
    }, "bases"


def gru_trunk(r):
    drawn = draw_tower(r, norm="conv_norm")
    drawn |= {"n_gru": r.choice([1, 2]), "dropout": 0.2, "gru_norm": r.choice([True, False])}
    return drawn | draw_crop(r, drawn), "bases"


def transformer_trunk(r):
    drawn = draw_tower(r) | draw_transformer(r) | {"n_transformers": r.choice([1, 3])}
    return drawn | draw_crop(r, drawn), "bases"


def transformer_block(r):
    return {"in_len": 12, "flash_attn": False, **draw_transformer(r)}, (2, 19, 12)


def enformer_block(r):
    names = ("n_heads", "key_len", "attn_dropout", "pos_dropout", "ff_dropout")
    drawn = draw_enformer(r)
    return {"in_len": 48, **{name: drawn[name] for name in names}}, (2, 19, 48)


def with_head(trunk, **more):
    """Draw the arguments of a model from those of its trunk."""

    def draw(r):
        drawn, given = trunk(r)
        return {**drawn, "n_tasks": r.choice([1, 3, 8]), "final_pool_func": r.choice(FINAL)}, given

    return draw


def mlp_model(r):
    drawn = draw_tower(r, norm="conv_norm")
    drawn |= {"seq_len": 603, "n_tasks": r.choice([1, 3]), "mlp_norm": r.choice([True, False])}
    drawn |= {"mlp_hidden_size": r.choice([[], [8], [5, 7, 3]]), "dropout": 0.3}
    if drawn["pool_func"] == "attn":  # it rounds lengths up, but gReLU counts down
        drawn |= {"seq_len": 608}
    return drawn | {"mlp_act_func": r.choice(SAFE)}, drawn["seq_len"]


def borzoi_trunk(r):
    drawn = draw_borzoi(r) | {"flash_attn": False, "norm_type": r.choice(["batch", "instance"])}
    return drawn, 640


def borzoi_tower(r):
    names = ("stem_channels", "stem_kernel_size", "init_channels", "kernel_size", "norm_kwargs")
    drawn = draw_borzoi(r)
    some = {name: drawn[name] for name in names}
    return {**some, "out_channels": drawn["channels"], "n_blocks": drawn["n_conv"]}, 640


def enformer_tower(r):
    return {"n_blocks": r.choice([1, 3, 4]), "out_channels": r.choice([256, 384])}, r.choice(
        [256, 250]
    )


def enformer_transformers(r):
    drawn, _ = enformer_block(r)
    drawn["in_channels"] = drawn.pop("in_len")
    return drawn | {"n_blocks": r.choice([1, 2])}, (2, 48, 19)


def enformer_trunk(r):
    return draw_enformer(r), 256


def attention(r):
    drawn = draw_transformer(r)
    del drawn["ff_dropout"]
    return {"in_len": 12, **drawn}, (2, r.choice([1, 2, 30, 300]), 12)


def mlp_head(r):
    sizes = r.choice([[], [7], [7, 4]])
    return {
        "n_tasks": r.choice([1, 4]),
        "in_channels": 5,
        "in_len": 9,
        "hidden_size": sizes,
        "act_func": r.choice(ACTIVATIONS),
        "norm": r.choice([True, False]),
        "dropout": 0.2,
    }, (2, 5, 9)


DRAWS = {
    "layers.Activation": lambda r: ({"func": r.choice(ACTIVATIONS)}, (2, 3, 8)),
    "layers.Pool": lambda r: (
        (lambda p: {"func": p["pool_func"], "pool_size": p["pool_size"], "in_channels": 3})(
            draw_pool(r)
        ),
        (2, 3, r.choice([8, 9])),
    ),
    "layers.AdaptivePool": lambda r: ({"func": r.choice(FINAL)}, (2, 3, 8)),
    "layers.Norm": norm_layer,
    "layers.Dropout": lambda r: ({"p": r.choice([0.0, 0.5])}, (2, 3, 8)),
    "layers.ChannelTransform": lambda r: (
        {
            "in_channels": 4,
            "out_channels": r.choice([1, 4]),
            "if_equal": r.choice([True, False]),
            "bias": r.choice([True, False]),
        },
        (2, 4, 8),
    ),
    "layers.Crop": lambda r: (
        {"crop_len": r.choice([0, 1, 3, "auto"]), "receptive_field": r.choice([4, 5])},
        (2, 3, 9),
    ),
    "layers.Attention": attention,
    "blocks.LinearBlock": lambda r: (
        {
            "in_len": 6,
            "out_len": 4,
            "act_func": r.choice(ACTIVATIONS),
            "norm": r.choice([True, False]),
            "norm_kwargs": r.choice([None, {"eps": 0.01}]),
            "bias": r.choice([True, False]),
            "dropout": 0.1,
        },
        (2, 5, 6),
    ),
    "blocks.ConvBlock": conv_block,
    "blocks.ChannelTransformBlock": channel_block,
    "blocks.Stem": lambda r: (
        {
            "out_channels": 5,
            "kernel_size": r.choice([5, 6]),
            "act_func": r.choice(ACTIVATIONS),
            "pool_func": r.choice(["avg", "max"]),
            "pool_size": r.choice([2, 3]),
        },
        "bases",
    ),
    "blocks.SeparableConv": lambda r: (
        {"in_channels": 5, "kernel_size": r.choice([1, 3, 4])},
        (2, 5, 9),
    ),
    "blocks.ConvTower": tower,
    "blocks.FeedForwardBlock": lambda r: (
        {"in_len": 6, "act_func": r.choice(SAFE), "norm_kwargs": r.choice([None, {"eps": 0.1}])},
        (2, 5, 6),
    ),
    "blocks.GRUBlock": lambda r: (
        {
            "in_channels": 5,
            "n_layers": r.choice([1, 2, 3]),
            "dropout": 0.2,
            "act_func": r.choice(SAFE),
            "norm": r.choice([True, False]),
        },
        (2, 5, 9),
    ),
    "blocks.TransformerBlock": transformer_block,
    "blocks.TransformerTower": lambda r: (
        {"in_channels": 12, "n_blocks": r.choice([1, 3]), **draw_transformer(r)},
        (2, 12, 19),
    ),
    "blocks.UnetBlock": lambda r: (
        {
            "in_channels": 6,
            "y_in_channels": r.choice([4, 6]),
            "norm_kwargs": r.choice([None, {"eps": 0.01}]),
            "act_func": r.choice(SAFE),
        },
        [(2, 6, 5), "skip"],
    ),
    "blocks.UnetTower": lambda r: (
        {"in_channels": 6, "y_in_channels": [6, 4], "n_blocks": 2, "norm_type": "instance"},
        [(2, 6, 5), ((2, 6, 10), (2, 4, 20))],
    ),
    "trunks.ConvTrunk": conv_trunk,
    "trunks.DilatedConvTrunk": dilated_trunk,
    "trunks.ConvGRUTrunk": gru_trunk,
    "trunks.ConvTransformerTrunk": transformer_trunk,
    "trunks.borzoi.BorzoiConvTower": borzoi_tower,
    "trunks.borzoi.BorzoiTrunk": borzoi_trunk,
    "trunks.enformer.EnformerConvTower": enformer_tower,
    "trunks.enformer.EnformerTransformerBlock": enformer_block,
    "trunks.enformer.EnformerTransformerTower": enformer_transformers,
    "trunks.enformer.EnformerTrunk": enformer_trunk,
    "heads.ConvHead": lambda r: (
        {
            "n_tasks": r.choice([1, 5]),
            "in_channels": 5,
            "act_func": r.choice(ACTIVATIONS),
            "pool_func": r.choice(FINAL),
            "norm": r.choice([True, False]),
        },
        (2, 5, 9),
    ),
    "heads.MLPHead": mlp_head,
    "models.ConvModel": with_head(conv_trunk),
    "models.DilatedConvModel": with_head(dilated_trunk),
    "models.ConvGRUModel": with_head(gru_trunk),
    "models.ConvTransformerModel": with_head(transformer_trunk),
    "models.ConvMLPModel": mlp_model,
    "models.BorzoiModel": with_head(lambda r: (draw_borzoi(r), 640)),
    "models.EnformerModel": with_head(lambda r: (draw_enformer(r), r.choice([256, 264]))),
}
SEEDS = {"models": 24, "trunks": 10, "blocks": 10, "heads": 8, "layers": 6}


def randomize(model, seed):
    """Random weights of a size that keeps outputs of order 1."""
    g = torch.Generator().manual_seed(seed)
    for name, value in model.state_dict().items():
        if name.endswith("running_var") or (value.ndim == 1 and name.endswith("weight")):
            value.copy_(torch.rand(value.shape, generator=g) + 0.5)
        elif value.is_floating_point():
            size = value[0].numel() if value.ndim > 1 else 10
            value.copy_(torch.randn(value.shape, generator=g) * size**-0.5)


def make_input(given, arguments, seed):
    g = torch.Generator().manual_seed(seed)

    def one(shape):
        if shape == "skip":
            shape = (2, arguments["y_in_channels"], 10)
        if isinstance(shape[0], tuple):
            return [one(inner) for inner in shape]
        return torch.randn(shape, generator=g)

    if isinstance(given, list):
        return [one(shape) for shape in given]
    if isinstance(given, tuple):
        return [one(given)]
    length = random.Random(seed).choice([600, 603]) if given == "bases" else given
    codes = torch.randint(0, 5, (2, 1, length), generator=g)
    return [(codes == torch.arange(4)[:, None]).float()]


SWEEP = [(name, seed) for name in DRAWS for seed in range(SEEDS[name.split(".")[0]])]


@pytest.mark.parametrize(("name", "seed"), SWEEP)
def test_outputs_and_state_dict_equal_those_of_grelu(name, seed):
    module, _, kind = name.rpartition(".")
    arguments, given = DRAWS[name](random.Random(f"{name} {seed}"))
    theirs = getattr(import_module(f"grelu.model.{module}"), kind)(**arguments).eval()
    ours = getattr(import_module(f"grelu_models.{module}"), kind)(**arguments).eval()
    randomize(theirs, seed)
    state = theirs.state_dict()
    shapes = {key: value.shape for key, value in state.items()}
    assert {key: value.shape for key, value in ours.state_dict().items()} == shapes
    ours.load_state_dict(state, strict=True)
    theirs.load_state_dict(ours.state_dict(), strict=True)
    with torch.inference_mode():
        x = make_input(given, arguments, seed)
        for expected, found in zip(outputs(theirs(*x)), outputs(ours(*x)), strict=True):
            assert found.shape == expected.shape and torch.isfinite(expected).all()
            assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


@pytest.mark.parametrize("length", [1, 2, 100, 1536, 4096, 5000])
@pytest.mark.parametrize("features", [2, 8, 32])
def test_the_central_mask_equals_that_of_grelu(length, features):
    from grelu.model.position import get_central_mask as theirs

    from grelu_models.layers.position import get_central_mask

    x = torch.zeros(1, length, 3)
    assert torch.equal(get_central_mask(x, features), theirs(x, features))


@pytest.mark.parametrize(("length", "features"), [(2, 6), (16, 12), (200, 96), (1536, 192)])
def test_features_of_enformer_equal_those_of_enformer_pytorch(length, features):
    from enformer_pytorch.modeling_enformer import get_positional_embed

    from grelu_models.layers.position import enformer_features

    theirs = get_positional_embed(length, features, "cpu", False)
    torch.testing.assert_close(enformer_features(length, features), theirs)


def test_gamma_of_tensorflow_equals_the_stored_one_up_to_rounding():
    from enformer_pytorch.modeling_enformer import TF_GAMMAS

    from grelu_models.layers.position import gamma_features

    difference = (gamma_features(1536, 32, tensorflow=True) - TF_GAMMAS).abs()
    assert difference.max() < 2.5e-3 and difference.mean() < 5e-6


FULL = {
    "BorzoiModel": (524_288, {"n_tasks": 7611, "crop_len": 5120, "final_pool_func": None}),
    "EnformerModel": (196_608, {"n_tasks": 5313, "crop_len": 320, "final_pool_func": None}),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", FULL)
def test_the_full_size_matches_on_its_own_window(kind):
    from grelu_models import models

    length, arguments = FULL[kind]
    theirs = getattr(oracle, kind)(**arguments).eval()
    randomize(theirs, 0)
    ours = getattr(models, kind)(**arguments, device="meta").eval()
    ours.load_state_dict(theirs.state_dict(), strict=True, assign=True)
    (x,) = make_input(length, arguments, 1)
    with torch.inference_mode():
        expected, found = theirs(x[:1]), ours(x[:1])
    assert expected.std() > 0
    assert (found - expected).abs().max() <= 1e-4 * expected.abs().max()
