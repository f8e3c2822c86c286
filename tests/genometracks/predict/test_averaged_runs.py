"""Runs that average strands, shifts and folds: every bin of a genome equals a plain loop."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import save_file

from grelu_models.checkpoint import load
from toys import (
    STRANDED,
    TRACKS,
    WINDOW,
    Run,
    merged,
    one_hot,
    write_checkpoint,
    write_fasta,
    write_fold,
)

BIN, CROP, LENGTH = 4, 3, 18  # of the toy model
TINY = Path(__file__).parents[2] / "grelu_models" / "tiny.ckpt"


def predict_plainly(folds, contigs, *, shifts=(0,), trim=0, partners=None) -> dict:
    """Each fold's mean over shifts and strands, bin by bin: {contig: {bin: (folds, tracks)}}."""
    models = [load(fold)[0] for fold in folds]
    halo = max(abs(shift) // BIN for shift in shifts)
    owned = LENGTH - 2 * halo - 2 * trim
    found: dict = {contig: {} for contig in contigs}
    for contig, bases in contigs.items():
        for w in range(-(-len(bases) // BIN // owned)):
            first = w * owned - trim - halo  # first output bin of the unshifted window
            total = 0
            for shift in shifts:
                read = one_hot(bases, (first - CROP) * BIN + shift, WINDOW)
                with torch.inference_mode():
                    values = torch.stack([model(read)[0] for model in models])
                    if partners:
                        other = torch.stack([model(read.flip(1, 2))[0] for model in models])
                        values = (values + other.flip(-1)[:, partners]) / 2
                begin = trim + halo - int(shift / BIN)
                total = total + values[..., begin : begin + owned].numpy()
            for k in range(owned):
                found[contig][w * owned + k] = total[..., k] / len(shifts)
    return found


def check(run: Run, expected: dict, combine) -> None:
    """All bins of a run equal those of a plain loop."""
    found = merged(run)
    for contig, bins in found.items():
        assert len(bins) > 0
        for k, values in bins.items():
            np.testing.assert_allclose(
                values, combine(expected[contig][k]), rtol=2e-5, atol=2e-6, err_msg=f"{contig} {k}"
            )


@pytest.mark.parametrize(
    ("shifts", "trim"), [([0, 1, -3], 0), ([-9, 4, 21], 0), ([8], 2), ([-5], 1), ([30, -31], 1)]
)
@pytest.mark.parametrize("flipped", [False, True])
def test_every_contribution_covers_every_owned_bin(tmp_path, contigs, shifts, trim, flipped):
    weights = write_fold(tmp_path, seed=3)
    run = Run(
        tmp_path / "run",
        weights,
        write_fasta(tmp_path / "g.fa", contigs),
        shifts=shifts,
        trim=trim,
        reverse_complement=flipped,
        shards=3,
    )
    plan = run.plan()
    run.predict()
    partners = [0, 1, 2] if flipped else None
    expected = predict_plainly([weights], contigs, shifts=shifts, trim=trim, partners=partners)
    check(run, expected, lambda folds: folds[0])
    known = sum(
        any(base.upper() in "ACGT" for base in bases[i : i + BIN])
        for bases in contigs.values()
        for i in range(0, len(bases), BIN)
    )
    assert plan.bins == known  # the halo loses none


@pytest.mark.parametrize(
    ("name", "shifts"), [("both_strands", [0]), ("both_strands_and_shifts", [-1, 0, 1])]
)
def test_averages_equal_those_of_grelu(tmp_path, name, shifts):
    """gReLU averages activated values and does not swap strands."""
    reference = json.loads((TINY.parent / "tiny_averages.json").read_text())
    run = Run(
        tmp_path / "run",
        TINY,
        write_fasta(tmp_path / "g.fa", {"c": reference["bases"]}),
        reverse_complement=True,
        strands="unpaired",
        shifts=shifts,
    )
    assert run.plan().tracks[0].computed.startswith("exp, then the mean of 2 strands")
    run.predict()
    found = merged(run)["c"]
    for start, values in zip(reference["starts"], reference[name], strict=True):
        first = (start + 4) // 4  # a bin of 4 bp is cropped
        ours = np.stack([found[k] for k in range(first, first + 14)], axis=1)
        np.testing.assert_allclose(ours, values, rtol=1e-5, atol=1e-6)
    assert np.ptp(reference[name]) > 0.1


def test_models_of_one_value_per_window_are_averaged(tmp_path, contigs):
    weights = write_fold(tmp_path, seed=8, final_pool_func="avg")
    fasta, shifts = write_fasta(tmp_path / "g.fa", contigs), [-9, 0, 19]
    run = Run(tmp_path / "run", weights, fasta, stride=20, shifts=shifts, reverse_complement=True)
    run.plan()
    run.predict()
    model, _ = load(weights)

    def predict(contig: str, k: int) -> np.ndarray:
        starts = [k * 20 - (WINDOW - 20) // 2 + shift for shift in shifts]  # 20 bp at the centre
        reads = torch.cat([one_hot(contigs[contig], start, WINDOW) for start in starts])
        with torch.inference_mode():
            return torch.cat([model(reads), model(reads.flip(1, 2))]).mean((0, 2)).numpy()

    for contig, bins in merged(run).items():
        assert len(bins) > 0
        for k, values in bins.items():
            np.testing.assert_allclose(values, predict(contig, k), rtol=2e-5, atol=2e-6)


def test_the_mean_and_the_deviation_of_folds_are_written(tmp_path, contigs):
    """Folds may be files of different formats: safetensors and a checkpoint of gReLU."""
    folds = [write_fold(tmp_path, seed=1), write_fold(tmp_path, seed=2, name="b")]
    state = {f"model.{key}": value * 1.5 for key, value in load(folds[0])[0].state_dict().items()}
    tasks = {"name": [track["name"] for track in TRACKS]}
    folds.append(
        write_checkpoint(
            tmp_path / "c.ckpt",
            tensors=state,
            data_params={"tasks": tasks, "train": {"seq_len": WINDOW}},
        )
    )
    for fold in folds[:2]:
        described = yaml.safe_load(fold.with_suffix(".yaml").read_text())
        fold.with_suffix(".yaml").write_text(yaml.safe_dump({**described, "activation": "sigmoid"}))
    run = Run(tmp_path / "run", folds, write_fasta(tmp_path / "g.fa", contigs), sd=True)
    plan = run.plan()
    run.predict()
    assert [track.track for track in plan.tracks][3:] == ["one.sd", "two_.._etc.sd", "three.sd"]
    assert len({fold.digest for fold in plan.model.folds}) == 3
    assert plan.tracks[0].computed == "sigmoid, then the mean of 3 folds; the model's scale"

    def combine(values):
        values = 1 / (1 + np.exp(-values))
        return np.concatenate([values.mean(0), values.std(0, ddof=1)])

    check(run, predict_plainly(folds, contigs), combine)
    before = run.digests()
    for other in (folds[:2], [folds[0], folds[2], folds[1]]):  # the order changes the last bits
        run.weights = other
        run.plan()
        assert not set(before) & set(run.digests())


def make_symmetric(weights) -> None:
    """Make a model treat both strands alike: each kernel equals its own reverse complement."""
    state = load(weights)[0].state_dict()
    for name, value in state.items():
        if value.ndim == 3:
            over = (1, 2) if value.shape[1] == 4 else (2,)
            state[name] = (value + value.flip(over)) / 2
    save_file(state, weights)


def test_a_symmetric_model_gives_the_same_tracks_with_both_strands(make_run):
    plain, both = make_run("plain"), make_run("both", reverse_complement=True)
    drawn = write_fold(plain.folder.parent, seed=4, name="drawn")
    for run in (plain, both):
        save_file(load(drawn)[0].state_dict(), run.weights)
    for symmetric in (False, True):
        for run in (plain, both):
            if symmetric:
                make_symmetric(run.weights)
            run.plan()
            run.predict()
        off = np.abs(plain.array() - both.array()).max()
        scale = np.abs(plain.array()).max()
        assert off <= 1e-6 * scale if symmetric else off > 0.01 * scale


def test_strands_are_swapped_and_unwritten_partners_are_predicted(tmp_path, contigs):
    weights = write_fold(tmp_path, seed=5, tracks=STRANDED)
    fasta = write_fasta(tmp_path / "g.fa", contigs)
    expected = predict_plainly([weights], contigs, partners=[1, 0, 2])
    unpaired = predict_plainly([weights], contigs, partners=[0, 1, 2])
    run = Run(tmp_path / "run", weights, fasta, reverse_complement=True)
    run.plan()
    run.predict()
    check(run, expected, lambda folds: folds[0])
    run = Run(tmp_path / "one", weights, fasta, reverse_complement=True, tracks=["cage-"])
    plan = run.plan()
    run.predict()
    check(run, expected, lambda folds: folds[0, 1:2])
    assert [track.name for track in plan.tracks] == ["cage-"]
    run = Run(tmp_path / "own", weights, fasta, reverse_complement=True, strands="unpaired")
    run.plan()
    run.predict()
    check(run, unpaired, lambda folds: folds[0])
    apart = [np.abs(expected["chr2"][k][0] - unpaired["chr2"][k][0]) for k in expected["chr2"]]
    assert np.max(apart) > 0.05  # otherwise this test would prove nothing


def test_groups_pairs_and_counts_of_a_run(tmp_path, contigs):
    squashed = {"scale": 0.5, "clip_soft": 0.2, "sum_stat": "sum_sqrt"}
    tracks = [
        {**track, **squashed, "sum_stat": s}
        for track, s in zip(TRACKS, ["sum_sqrt", "sum", "sum"], strict=True)
    ]
    weights = write_fold(tmp_path, seed=6, tracks=tracks)
    described = yaml.safe_load(weights.with_suffix(".yaml").read_text())
    weights.with_suffix(".yaml").write_text(yaml.safe_dump({**described, "activation": "softplus"}))
    pair = {"of": "log2_ratio", "treatment": ["one"], "control": [{"where": "assay == ATAC"}]}
    run = Run(
        tmp_path / "run",
        weights,
        write_fasta(tmp_path / "g.fa", contigs),
        aggregate={"by": "assay", "of": "mean"},
        pairs=[{"name": "chip/atac", "pseudocount": 1.0, **pair}],
        scale="counts",
    )
    plan = run.plan()
    run.predict()
    assert [track.track for track in plan.tracks] == ["ChIP", "ATAC", "chip_atac"]

    def combine(folds):
        x = np.log1p(np.exp(folds[0].astype(float))) / 0.5
        x = np.where(x > 0.2, 0.2 + (x - 0.2) ** 2, x)
        x[0] **= 4 / 3
        atac = x[1:].mean()
        return np.array([x[0], atac, np.log2((x[0] + 1) / (atac + 1))])

    check(run, predict_plainly([weights], contigs), combine)


def test_a_shard_depends_on_the_computation_but_not_on_names(make_run):
    run = make_run()
    run.plan()
    seen = [run.digests()]
    pair = {"name": "p", "of": "difference", "treatment": ["one"], "control": ["three"]}
    pair["pseudocount"] = 0.0
    for change in [
        {"reverse_complement": True},
        {"shifts": [1]},
        {"average": "logits"},
        {"aggregate": {"by": "assay", "of": "mean"}},
        {"aggregate": {"by": "assay", "of": "sum"}},
        {"pairs": [pair]},
        {"pairs": [{**pair, "of": "ratio"}]},
        {"pairs": [{**pair, "of": "ratio", "pseudocount": 1.0}]},
    ]:
        before = dict(run.planned)
        run.planned |= change
        run.plan()
        assert all(not set(run.digests()) & set(digests) for digests in seen), change
        seen.append(run.digests())
        run.planned = before
    run.planned |= {"pairs": [{**pair, "name": "q"}]}
    run.plan()
    assert run.digests() == seen[6]
