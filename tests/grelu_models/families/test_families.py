"""The table of families, and what the loader makes of a family's statement."""

import dataclasses

import pytest
import torch
from torch import nn

from grelu_models import families
from grelu_models.checkpoint import load
from grelu_models.description import complete_tracks, list_outputs
from grelu_models.errors import ModelError
from grelu_models.families import Family, Statement, check_options, find_family
from grelu_models.families.loading import build_with_weights
from grelu_models.files.adapters import ADAPTERS
from grelu_models.files.architecture import whole
from grelu_models.inference import prepare_for_inference
from grelu_models.models import ARCHITECTURES

PAIR = [{"name": "a+", "strand_pair": 1}, {"name": "a-", "strand_pair": 0}]


def make_last(file, options):
    """A linear layer over channels-last bases."""
    return build_with_weights(lambda: nn.Linear(4, 2), file.state_dict(), source=file.path)


LAST = Family(
    "Last",
    state=lambda file, options: Statement(
        window=50,
        tracks=PAIR,
        refusal="its tracks are strands",
        scale="probability",
        longer_windows=options.get("longer", 0) > 0,
        licence="CC0",
        layout="NLC",
        notes=("a note",),
    ),
    load=make_last,
    limits={"longer": whole(0, 1)},
)


@pytest.fixture
def weights(tmp_path, monkeypatch):
    monkeypatch.setitem(families.FAMILIES, "Last", LAST)
    path = tmp_path / "last.pt"
    torch.manual_seed(0)
    torch.save(nn.Linear(4, 2).state_dict(), path)
    return path


def test_every_model_class_and_adapter_is_a_family():
    assert {*ARCHITECTURES, *ADAPTERS} <= {*families.FAMILIES}
    assert all(name == family.name for name, family in families.FAMILIES.items())


@pytest.mark.parametrize("kind", ["Nonsense", None, 3])
def test_an_unknown_type_lists_the_known_ones(kind):
    with pytest.raises(ModelError, match="unknown model_type .*: use one of ConvModel, "):
        find_family(kind)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"longr": 1}, "Last has no option 'longr': it takes longer"),
        ({"longer": 2}, "Last: longer must be a whole number from 0 to 1, not 2"),
    ],
)
def test_a_wrong_option_is_refused(options, message):
    with pytest.raises(ModelError) as error:
        check_options(LAST, options)
    assert str(error.value) == message


def test_options_of_a_family_without_options():
    with pytest.raises(ModelError, match="^Bare has no option 'a': it takes none$"):
        check_options(dataclasses.replace(LAST, name="Bare", limits={}), {"a": 1})


def test_a_channels_last_module_is_transposed_and_its_statement_kept(weights):
    model, card = load(weights, architecture={"model_type": "Last"})
    bases = torch.nn.functional.one_hot(torch.arange(50) % 4, 4).T[None].float()
    linear = torch.load(weights, weights_only=True)
    expected = bases[0].T @ linear["weight"].T + linear["bias"]
    torch.testing.assert_close(model(bases)[0].T, expected)
    assert (card.geometry.window, card.geometry.bin, card.geometry.tracks) == (50, 1, 2)
    assert card.strand_partners == [1, 0] and card.notes == ["a note"]
    assert card.statement.licence == "CC0" and card.statement.scale == "probability"


def test_only_the_kept_tracks_of_any_module_are_given(weights):
    model, _ = load(weights, architecture={"model_type": "Last"})
    bases = torch.rand(2, 4, 50)
    whole_output = model(bases)
    kept = prepare_for_inference(model, tracks=[1])
    torch.testing.assert_close(kept(bases), whole_output[:, [1]], rtol=0, atol=0)


@pytest.mark.parametrize("window", [40, 60])
@pytest.mark.parametrize(("longer", "noted"), [(0, True), (1, False)])
def test_another_window_is_noted_unless_it_keeps_the_values(weights, longer, noted, window):
    _, card = load(weights, architecture={"model_type": "Last", "longer": longer}, window=window)
    text = f"windows of {window} bp are read by a model that was trained on 50 bp: "
    assert any(note.startswith(text) for note in card.notes) is noted


def test_tracks_of_a_family_are_listed_with_its_statement(weights):
    outputs = list_outputs(weights, {"model_type": "Last"})
    assert outputs.tracks == PAIR and outputs.statement.refusal == "its tracks are strands"


def test_strand_partners_are_the_familys_unless_others_are_named(weights):
    named = [{"name": "x"}, {"name": "y"}]
    statement = Statement(tracks=PAIR)
    completed = complete_tracks(weights, named, statement, 2)
    assert completed == [{"name": "x", "strand_pair": 1}, {"name": "y", "strand_pair": 0}]
    own = [{"name": "x", "strand_pair": ""}, {"name": "y", "strand_pair": ""}]
    assert complete_tracks(weights, own, statement, 2) == own
    with pytest.raises(ModelError, match="names 3 tracks, but the model has 2"):
        complete_tracks(weights, [*named, {"name": "z"}], statement, 2)
