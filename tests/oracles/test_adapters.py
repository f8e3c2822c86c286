"""Converted weights give the outputs of their own packages; skipped if these are not installed."""

from functools import cache

import pytest
import torch
from torch.nn.functional import softplus

from cases import fill_weights, make_bases
from grelu_models import models
from grelu_models.files.adapters import ADAPTERS
from peers import (
    BORZOI,
    ENFORMER,
    HEADS,
    evaluate,
    make_borzoi,
    make_enformer,
)

BORZOI_BASES, ENFORMER_BASES = 96 * 32, 64 * 16
OWN_BORZOI = {"depth": 2, "crop_len": (96 - BORZOI["bins_to_return"]) // 2}
OWN_ENFORMER = {**ENFORMER, "crop_len": 0, "use_tf_gamma": False}


def filled(model):
    fill_weights(model.state_dict())
    return model


@cache
def borzoi(flashed):
    needed = "borzoi-pytorch 0.5.1, or intervaltree, is not installed"
    pytest.importorskip("borzoi_pytorch", reason=needed)
    return filled(make_borzoi(flashed=flashed, depth=2))


@cache
def enformer(**config):
    needed = "enformer-pytorch 0.8.11 is not installed"
    pytest.importorskip("enformer_pytorch", reason=needed)
    return filled(make_enformer(**config))


def build(architecture):
    arguments = dict(architecture)
    with torch.device("meta"):
        return getattr(models, arguments.pop("model_type"))(**arguments).eval()


def assert_equal(theirs, package, options, *, bases, head="human", state=None):
    """Convert the state dict of the other model, or a given one, and compare the outputs."""
    adapter = ADAPTERS[package]
    ours = build(adapter.describe(options))
    converted = adapter.convert(state or theirs.state_dict(), options)
    ours.load_state_dict(converted, strict=True, assign=True)
    expected = evaluate(theirs, bases, head)
    with torch.inference_mode():
        found = softplus(ours(bases))
    assert found.shape == expected.shape and expected.std() > 0.01 * expected.max()
    assert (found - expected).abs().max() <= 1e-5 * expected.max()


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("flashed", [False, True], ids=["Borzoi", "Flashzoi"])
def test_outputs_equal_those_of_borzoi_pytorch(flashed, head):
    options = {**OWN_BORZOI, "flashed": flashed, "head": head, "n_tasks": HEADS[head]}
    bases = make_bases(BORZOI_BASES)
    assert_equal(borzoi(flashed), "borzoi-pytorch", options, bases=bases, head=head)


def test_a_subset_of_the_tracks_of_borzoi_is_read():
    theirs = borzoi(False)
    theirs.set_track_subset([2, 0])
    try:
        assert "human_head_bak.weight" in theirs.state_dict()
        options = {**OWN_BORZOI, "n_tasks": 2}
        assert_equal(theirs, "borzoi-pytorch", options, bases=make_bases(BORZOI_BASES))
    finally:
        theirs.reset_track_subset()
        del theirs.human_head_bak


@pytest.mark.parametrize("names", ["both names", "the trunk's names", "the parts' names"])
@pytest.mark.parametrize("head", HEADS)
def test_outputs_equal_those_of_enformer_pytorch(head, names):
    theirs, bases = enformer(), make_bases(ENFORMER_BASES)
    state = theirs.state_dict()
    if names == "the trunk's names":
        state = {name: state[name] for name in state if name.startswith(("_trunk.", "_heads."))}
    elif names == "the parts' names":
        state = {name: state[name] for name in state if not name.startswith("_trunk.")}
    options = {**OWN_ENFORMER, "head": head, "n_tasks": HEADS[head]}
    assert_equal(theirs, "enformer-pytorch", options, bases=bases, head=head, state=state)


def test_the_crop_of_enformer_leaves_the_target_length():
    theirs, bases = enformer(target_length=40), make_bases(ENFORMER_BASES)
    options = {**OWN_ENFORMER, "n_tasks": HEADS["human"], "crop_len": (64 - 40) // 2}
    assert_equal(theirs, "enformer-pytorch", options, bases=bases)


def test_outputs_with_gamma_of_tensorflow_equal_those_of_enformer_pytorch():
    # Its table is for 1,536 positions and 32 features. Float32 rounding in the table, of up to
    # 0.002, makes 3e-6 in the output here; gamma without TensorFlow's scale would make 3e-4.
    config = {"num_downsamples": 3, "heads": 2, "use_tf_gamma": True}
    options = {**OWN_ENFORMER, **config, "n_tasks": HEADS["human"]}
    bases = make_bases(1536 * 8)[:1]
    assert_equal(enformer(**config), "enformer-pytorch", options, bases=bases)


PUBLISHED = {
    "Borzoi": ("borzoi-pytorch", {"head": "mouse"}),
    "Flashzoi": ("borzoi-pytorch", {"flashed": True}),
    "Enformer": ("enformer-pytorch", {}),
}
PUBLISHED_HEADS = {
    "borzoi-pytorch": {"human": 7611, "mouse": 2608},
    "enformer-pytorch": {"human": 5313, "mouse": 1643},
}


def make_published(package, options):
    """The other package's model as published: its defaults, except for crop and gamma."""
    heads = PUBLISHED_HEADS[package]
    pytest.importorskip(package.replace("-", "_"), reason=f"{package} is not installed")
    if package == "borzoi-pytorch":
        flashed = options.get("flashed", False)
        return make_borzoi(flashed=flashed, heads=heads, depth=8, bins_to_return=6144)
    whole = {"dim": 1536, "depth": 11, "heads": 8, "num_downsamples": 7, "attn_dim_key": 64}
    return make_enformer(**whole, output_heads=heads, target_length=896, use_tf_gamma=True)


@pytest.mark.slow
@pytest.mark.parametrize("kind", PUBLISHED)
def test_the_published_size_matches_on_its_window(kind):
    package, options = PUBLISHED[kind]
    theirs = filled(make_published(package, options))
    bases = make_bases(ADAPTERS[package].window)[:1]
    head = options.get("head", "human")
    assert_equal(theirs, package, options, bases=bases, head=head)
