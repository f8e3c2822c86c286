"""A prepared model predicts the same values with less work."""

import pytest
import torch
from torch import nn

from cases import CASES, build, inputs
from grelu_models.errors import ModelError
from grelu_models.inference import prepare_for_inference
from grelu_models.models import ConvModel, ExplaiNNModel

MODELS = [case for case, (path, _, _) in CASES.items() if path.startswith("models.")]


def norms(model):
    return sum(isinstance(module, nn.BatchNorm1d) for module in model.modules())


@pytest.mark.parametrize("fold", [True, False])
@pytest.mark.parametrize("case", MODELS)
def test_outputs_are_equal_and_tracks_are_selected(case, fold):
    model, given = build(case, "grelu_models"), inputs(case)
    tracks = [model.head.n_tasks - 1, 0]
    with torch.inference_mode():
        whole = model(*given)
    prepared = prepare_for_inference(model, tracks=tracks, fold=fold)
    assert prepared is model and not model.training and model.head.n_tasks == 2
    with torch.inference_mode():
        found = model(*given)
    assert (found - whole[:, tracks]).abs().max() <= 1e-5 * whole.abs().max()


def test_norms_that_follow_a_convolution_are_folded():
    model = build("ConvModel, residual with channel change", "grelu_models")
    assert norms(model) == 3
    assert norms(prepare_for_inference(model)) == 0
    borzoi = build("BorzoiModel", "grelu_models")
    before = norms(borzoi)
    assert before > 0 and norms(prepare_for_inference(borzoi)) == before


def test_explainn_folds():
    torch.manual_seed(0)
    model = ExplaiNNModel(2, in_len=64, channels=4, kernel_size=9).eval()
    for name, value in model.state_dict().items():
        if "norm" in name and value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5)
    x = torch.eye(4)[torch.randint(0, 4, (3, 64))].transpose(1, 2)
    with torch.inference_mode():
        before = model(x)
        after = prepare_for_inference(model)(x)
    assert norms(model) == 0
    torch.testing.assert_close(after, before)


@pytest.mark.parametrize("norm", [True, False])
def test_tracks_of_a_head_without_weights_are_selected(norm):
    model = ConvModel(n_tasks=6, channel_init=6, final_pool_func=None, norm=norm).eval()
    assert not list(model.head.parameters())
    x = torch.eye(4)[torch.randint(0, 4, (2, 30))].transpose(1, 2)
    with torch.inference_mode():
        whole = model(x)
        found = prepare_for_inference(model, tracks=[5, 2])(x)
    torch.testing.assert_close(found, whole[:, [5, 2]])


def test_tracks_of_a_head_with_norm_are_selected_with_it():
    from grelu_models.heads import ConvHead
    from grelu_models.models import BaseModel

    head = ConvHead(5, 3, norm=True, act_func="softplus").eval()
    head.channel_transform.norm.layer.running_mean.copy_(torch.arange(5.0))
    model = BaseModel(nn.Identity(), head).eval()
    x = torch.randn(2, 3, 7)
    with torch.inference_mode():
        whole = model(x)
        found = prepare_for_inference(model, tracks=[4, 1], fold=False)(x)
    torch.testing.assert_close(found, whole[:, [4, 1]])


@pytest.mark.parametrize(
    ("tracks", "wrong"),
    [
        ([0, 3], "track 3 does not exist"),
        ([-1], "track -1 does not exist"),
        ([], "no track is selected"),
    ],
)
def test_tracks_that_do_not_exist_are_named(tracks, wrong):
    model = build("ConvModel, defaults", "grelu_models")
    with pytest.raises(ModelError, match=f"{wrong}: the model has tracks 0 to 2"):
        prepare_for_inference(model, tracks=tracks)
