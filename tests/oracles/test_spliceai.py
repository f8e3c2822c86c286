"""SpliceAI's published weights and random ones of OpenSpliceAI give the values of their programs.

The weights are in the wheel `spliceai`, of which only the data is used; skipped where it, Keras or
OpenSpliceAI is not installed.
"""

from functools import cache
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from cases import fill_weights, make_bases
from grelu_models.checkpoint import load_unmeasured
from grelu_models.description import describe
from grelu_models.files.weights_file import open_weights
from spliceai_files import write_keras2
from spliceai_graph import evaluate_graph
from spliceai_peers import load_keras, make_openspliceai

WEIGHTS = sorted((Path(__file__).parents[2] / ".oracles/spliceai/models").glob("*.h5"))
LENGTH = 20_000

published = pytest.mark.skipif(not WEIGHTS, reason="spliceai 1.3.1 is not installed")


def load(path):
    return load_unmeasured(path, architecture={"model_type": "SpliceAI"})[0]


def make_gene(length=LENGTH):
    """One-hot bases (1, 4, length) with strong splice sites: exons within introns, by consensus."""
    codes = make_bases(length)[0].argmax(0).tolist()
    letters = ["ACGT"[code] for code in codes]
    for start in range(600, length - 1000, 1000):
        exon = "TACTAAC" + "C" * 12 + "TTTTTTTTTCTTTCAG" + "G"
        letters[start : start + len(exon)] = exon
        letters[start + 160 : start + 170] = "AAGGTAAGTA"
    codes = torch.tensor(["ACGT".index(letter) for letter in letters])
    return F.one_hot(codes, 4).T[None].float()


def both_strands(predict, bases):
    """Acceptor and donor of the plus strand, then of the minus strand, from (N, 3, L) of one."""
    plus, minus = predict(bases), predict(bases.flip(1, 2)).flip(2)
    return torch.cat([plus[:, 1:], minus[:, 1:]], dim=1)


@cache
def predict_gene(fold):
    with torch.inference_mode():
        return load(WEIGHTS[fold])(make_gene())


@published
def test_the_mean_of_five_folds_equals_the_graphs_layer_by_layer():
    bases = make_gene()
    with torch.inference_mode():
        graphs = [both_strands(lambda x, p=p: evaluate_graph(p, x), bases) for p in WEIGHTS]
    expected = torch.stack(graphs).mean(0)
    found = torch.stack([predict_gene(fold) for fold in range(len(WEIGHTS))]).mean(0)
    assert len(WEIGHTS) == 5 and found.shape == expected.shape == (1, 4, 10_000)
    assert (expected.amax(dim=2)[:, :2] > 0.5).all()  # the sites that were put in
    assert (found - expected).abs().max() <= 1e-5 * expected.max()


@published
def test_a_fold_equals_keras():
    bases, theirs = make_gene(), load_keras(WEIGHTS[0])
    with torch.inference_mode():
        expected = both_strands(lambda x: theirs(x.mT).mT, bases)
    assert (predict_gene(0) - expected).abs().max() <= 1e-5 * expected.max()


@published
def test_values_do_not_depend_on_the_length_of_the_window():
    bases, whole, model = make_gene(), predict_gene(0), load(WEIGHTS[0])
    for start, length in ((0, 15_000), (3000, 10_001), (777, 12_345)):
        with torch.inference_mode():
            part = model(bases[..., start : start + length])
        kept = whole[..., start : start + length - 10_000]
        assert (part - kept).abs().max() <= 1e-6


@published
def test_the_strands_swap_with_the_reverse_complement():
    with torch.inference_mode():
        turned = load(WEIGHTS[0])(make_gene().flip(1, 2))
    assert torch.equal(turned, predict_gene(0)[:, [2, 3, 0, 1]].flip(2))


@published
def test_the_words_of_both_licences_are_stated():
    for path in WEIGHTS:
        described = describe(open_weights(path), architecture={"model_type": "SpliceAI"})
        licence = described.statement.licence
        assert "GPLv3" in licence and "CC BY-NC 4.0" in licence


@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "DataParallel"])
@pytest.mark.parametrize("context", [80, 400, 2000, 10_000])
def test_values_equal_those_of_openspliceai(context, wrapped, tmp_path):
    theirs = make_openspliceai(context, channels=32)
    fill_weights(theirs.state_dict())
    saved = torch.nn.DataParallel(theirs) if wrapped else theirs
    torch.save(saved.state_dict(), tmp_path / "model_best.pt")
    bases = make_bases(context + 500)
    with torch.inference_mode():
        found = load(tmp_path / "model_best.pt")(bases)
        expected = both_strands(theirs, bases)
    assert found.shape == (2, 4, 500) and expected.std() > 0.01
    assert (found - expected).abs().max() <= 1e-5 * expected.max()


@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_files_of_keras_3_load(suffix, tmp_path):
    theirs = load_keras(write_keras2(tmp_path / "keras2.h5", 400))
    theirs.save(tmp_path / f"keras3.{suffix}")
    bases = make_bases(500)
    with torch.inference_mode():
        found = load(tmp_path / f"keras3.{suffix}")(bases)
        expected = both_strands(lambda x: theirs(x.mT).mT, bases)
    assert (found - expected).abs().max() <= 1e-5 * expected.max()
