"""The AlphaGenome plug-in against the package's own forward pass, with random weights, small."""

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import packages

pytest.importorskip("alphagenome_pytorch", reason="not among the peers that are installed")

EXAMPLE = Path(__file__).parents[2] / "examples" / "plugins" / "alphagenome"
WIDTHS = [6, 7, 8, 9, 10, 11, 12]
TRANSFORMER = {
    "depth": 2,
    "heads": 2,
    "dim_head_qk": 4,
    "dim_head_v": 4,
    "dim_pairwise": 4,
    "max_positions": 64,
    "single_to_pairwise_heads": 2,
}
HEADS = {
    "atac": {"num_tracks": 8, "resolutions": (1, 128)},
    "chip_tf": {"num_tracks": 6, "resolutions": (128,)},
}


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """The package's module, and the file of its weights."""
    from alphagenome_pytorch.alphagenome import AlphaGenome, set_update_running_var

    torch.manual_seed(0)
    model = AlphaGenome(dims=tuple(WIDTHS), transformer_kwargs=TRANSFORMER).eval()
    for organism in ("human", "mouse"):
        model.add_reference_heads(organism, genome_track_heads=HEADS)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    set_update_running_var(model, False)  # else they change in eval mode, too
    path = tmp_path_factory.mktemp("alphagenome") / "alphagenome.pt"
    torch.save(model.state_dict(), path)
    return model, path


@pytest.fixture
def plugin(monkeypatch, tmp_path):
    packages.install(monkeypatch, EXAMPLE, into=tmp_path / "metadata")


def describe(**options):
    sizes = {"dims": WIDTHS, "transformer": TRANSFORMER}
    return {"model_type": "alphagenome", **sizes, "tracks": 5, **options}


def compute(model, x, head, resolution, organism):
    codes = torch.where(x.sum(1) > 0, x.argmax(1), -1)
    out = model(codes, ("human", "mouse").index(organism))[organism][head]
    return out[f"scaled_predictions_{resolution}bp"].transpose(1, 2)


@pytest.mark.parametrize("organism", ["human", "mouse"])
@pytest.mark.parametrize(("head", "resolution"), [("atac", 1), ("atac", 128), ("chip_tf", 128)])
def test_the_tracks_are_those_of_the_package(plugin, theirs, head, resolution, organism):
    from grelu_models.checkpoint import load_unmeasured
    from grelu_models.inference import prepare_for_inference

    module, path = theirs
    architecture = describe(head=head, resolution=resolution, organism=organism)
    model, _ = load_unmeasured(path, architecture=architecture)
    codes = torch.randint(4, (2, 2048), generator=torch.Generator().manual_seed(0))
    x = nn.functional.one_hot(codes, 4).transpose(1, 2).float()
    x[:, :, 100:200] = 0  # N
    with torch.inference_mode():
        wanted = compute(module, x, head, resolution, organism)[:, :5]
        largest = wanted.abs().max()
        assert (model(x) - wanted).abs().max() <= 1e-5 * largest
        assert (model(x) - wanted).abs().max() <= 1e-5 * largest  # as the first time
        some = prepare_for_inference(model, tracks=[3, 0])
        assert (some(x) - wanted[:, [3, 0]]).abs().max() <= 1e-5 * largest


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"head": "chip_tf", "resolution": 1}, "head chip_tf has no resolution of 1 bp: use 128"),
        ({"head": "hic"}, "alphagenome: head must be one of rna_seq, cage, "),
        ({}, "alphagenome: give head in model.architecture: rna_seq, cage, "),
        (
            {"head": "atac", "tracks": 9},
            "9 tracks are stated, but atac has 8 channels: correct",
        ),
        (
            {"head": "dnase"},
            "there is no heads.human.dnase.resolutions.resolution_128.to_pred",
        ),
        (
            {"head": "atac", "dims": [6, 7, 8]},
            "dims must be 7 growing widths, the last of them",
        ),
        ({"head": "atac", "organism": "rat"}, "alphagenome: organism must be human or mouse"),
    ],
)
def test_wrong_options_are_refused(plugin, theirs, options, message):
    from grelu_models.checkpoint import load_unmeasured
    from grelu_models.errors import ModelError

    with pytest.raises(ModelError) as error:
        load_unmeasured(theirs[1], architecture=describe(**options))
    assert message in str(error.value)


def test_published_numbers_of_tracks_and_terms_are_stated_without_torch(plugin, theirs):
    from grelu_models.description import list_outputs
    from grelu_models.errors import ModelError

    outputs = list_outputs(theirs[1], {"model_type": "alphagenome", "head": "atac"})
    assert len(outputs.tracks) == 167 and "non-commercial" in outputs.statement.licence
    assert outputs.statement.notes == (
        "the first 167 channels of atac are used, the rest are padding",
    )
    with pytest.raises(ModelError, match="the number of human rna_seq tracks is not known: give"):
        list_outputs(theirs[1], {"model_type": "alphagenome", "head": "rna_seq"})
    assert "grelu_tracks_alphagenome.model" not in sys.modules
