"""Invalid averages, folds and ratios: one error, and nothing is written."""

import json

import pytest
import yaml
from safetensors.torch import save_file

from genometracks.cli import main
from genometracks.plan.plan import Plan
from grelu_models.checkpoint import load
from toys import STRANDED, TRACKS, Run, random_bases, write_fasta, write_fold


def test_a_ratio_of_zeros_names_the_pseudocount(tmp_path, capsys):
    weights = write_fold(tmp_path, seed=7)
    state = load(weights)[0].state_dict()
    state = {key: value * 0 for key, value in state.items()}
    save_file(state, weights)
    pair = {"name": "r", "of": "ratio", "treatment": ["one"], "control": ["three"]}
    fasta = write_fasta(tmp_path / "g.fa", {"c": random_bases(300, seed=1)})
    run = Run(tmp_path / "run", weights, fasta, pairs=[{**pair, "pseudocount": 0.0}], tracks=[])
    run.plan()
    words = ["predict", "--plan", str(run.work / "plan.json"), "--shard", "0"]
    assert main([*words, "--fasta", str(run.work / "genome.fa"), "--device", "cpu"]) == 1
    assert "track 'r' is nan at c:0-4: set its pseudocount in output.pairs" in (
        capsys.readouterr().err
    )
    assert not list(run.shards().glob("*.npy"))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"tracks": TRACKS[::-1]}, "track 0 'one' and 'three'; track 2 'three' and 'one'"),
        ({"n_tasks": 2, "tracks": TRACKS[:2]}, "tracks 3 and 2"),
        ({"crop_len": 2}, "crop 3 and 2; length 18 and 20"),
        ({"tracks": STRANDED}, "the tracks' strand partners"),
        ({"activation": "exp"}, "activation None and exp (model.activation sets one for all)"),
    ],
)
def test_folds_that_differ_are_refused_with_every_difference(tmp_path, capsys, changes, problem):
    changes = dict(changes)
    activation = changes.pop("activation", None)
    folds = [write_fold(tmp_path, seed=1), write_fold(tmp_path, seed=2, name="b", **changes)]
    described = yaml.safe_load(folds[1].with_suffix(".yaml").read_text())
    described["activation"] = activation
    folds[1].with_suffix(".yaml").write_text(yaml.safe_dump(described))
    settings = {"weights": [str(fold) for fold in folds], "architecture": None, "window": None}
    settings |= {"activation": None, "sha256": None, "tracks": None}
    out = tmp_path / "model.json"
    assert main(["model", "--settings", json.dumps(settings), "--out", str(out)]) == 1
    err = capsys.readouterr().err
    assert f"model.weights: {folds[0]} and {folds[1]} are not folds of one model: they diff" in err
    assert problem in err and "average only models with the same bins and tracks" in err
    assert not out.exists()


def test_a_fold_given_twice_is_refused(tmp_path, capsys):
    one = write_fold(tmp_path, seed=1)
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(one.read_bytes())
    copy.with_suffix(".yaml").write_bytes(one.with_suffix(".yaml").read_bytes())
    run = Run(tmp_path / "run", [one, copy], write_fasta(tmp_path / "g.fa", {"c": "ACGT"}))
    with pytest.raises(AssertionError):
        run.prepare()
    err = capsys.readouterr().err
    assert f"{one} and {copy} are the same model: give each fold once" in err


def test_a_shift_that_leaves_no_bins_is_refused_with_the_largest_possible(make_run, capsys):
    run = make_run(shifts=[0, 36])
    run.prepare()
    words = ["plan", "--settings", json.dumps(run.planned), "--out", str(run.work / "plan.json")]
    words += ["--model", str(run.work / "model.json"), "--genome", str(run.work / "genome.json")]
    assert main(words) == 1
    assert (
        "prediction.shifts: 36 bp are 9 bins; at both ends of a window, that leaves none of the "
        "model's 18: use at most 35 bp" in capsys.readouterr().err
    )
    run.planned["shifts"] = [0, 35]
    assert isinstance(run.plan(), Plan)
