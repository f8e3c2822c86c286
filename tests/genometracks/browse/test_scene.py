"""What is shown of a finished run: values, limits and the first locus."""

import re
from dataclasses import replace

import numpy as np
import pyBigWig
import pytest

from genometracks.bigwig.overview import read_overview
from genometracks.bigwig.writer import BigWigWriter
from genometracks.browse.limits import Limits, choose_limits, choose_start
from genometracks.browse.reference.observed import write_observed_tracks
from genometracks.browse.scene import list_observed, make_scene
from genometracks.config.folders import RunFolder
from genometracks.config.sections import (
    BrowserConfig,
    EvaluationConfig,
    HeldOut,
    Observed,
    Transform,
)
from genometracks.config.settings import BrowseSettings
from genometracks.errors import UserError
from genometracks.evaluation.locus import Locus
from genometracks.plan.plan import Plan


@pytest.fixture
def finished(run):
    """A run with bigWigs."""
    plan = run.work / "plan.json"
    run.command("merge", plan=plan, out=run.work / "merge.json")
    run.command("bigwig", plan=plan)
    return run


@pytest.fixture
def observed(tmp_path, contigs):
    """A bigWig of single bases, most of which are covered."""
    path = tmp_path / "seen.bw"
    with pyBigWig.open(str(path), "w") as out:
        out.addHeader([(name, len(bases)) for name, bases in contigs.items()])
        for i, (name, bases) in enumerate(contigs.items()):
            values = np.random.default_rng(i).exponential(3, len(bases) - 5)
            out.addEntries(name, 0, values=list(values), span=1, step=1)
    return path


def settings(**changes) -> BrowseSettings:
    nothing = dict.fromkeys(("annotation", "aliases", "ucsc", "regions", "blacklist"))
    default = BrowseSettings(
        run="run", **nothing, evaluation=EvaluationConfig(), browser=BrowserConfig()
    )
    return replace(default, **changes)


def test_a_scene_holds_every_track_of_the_run(finished):
    plan, folder = Plan.load(finished.work / "plan.json"), RunFolder(finished.folder)
    scene = make_scene(plan, folder, settings(), fasta=finished.work / "genome.fa")
    assert [track.track for track in scene.tracks] == ["one", "two_.._etc", "three"]
    assert [track.name for track in scene.tracks] == ["one", "two/../etc", "three"]
    assert [track.metadata for track in scene.tracks] == [
        {"assay": "ChIP"},
        {"assay": "ATAC"},
        {"assay": "ATAC"},
    ]
    for row, track in enumerate(scene.tracks):
        values = finished.array()[row]
        with pyBigWig.open(str(track.file)) as oracle:
            header = oracle.header()
        assert track.limits == Limits(min(0.0, float(values.min())), max(0.0, float(values.max())))
        assert header["minVal"] == pytest.approx(float(values.min()), abs=1.0)
        assert track.signal == pytest.approx(float(values.std()), rel=0.1)
    assert scene.contigs == plan.lengths
    assert scene.locus.contig in plan.lengths


def test_observed_tracks_are_on_the_scale_of_the_model_and_share_its_limits(finished, observed):
    plan, folder = Plan.load(finished.work / "plan.json"), RunFolder(finished.folder)
    entry = Observed(
        track="three",
        bigwig=str(observed),
        name="seen <b>",
        transform=Transform(divide=2.0, pseudocount=0.5, log=True),
    )
    chosen = settings(evaluation=EvaluationConfig(observed=(entry,)))
    (file,) = list_observed(folder, chosen)
    assert file == folder.reference / "observed" / "seen_b_.bw"
    (seal,) = write_observed_tracks(plan, [entry], [file])
    assert seal.path == file
    step = plan.geometry.bin
    with pyBigWig.open(str(file)) as found, pyBigWig.open(str(observed)) as oracle:
        for contig, runs in plan.segments.items():
            length = plan.lengths[contig]
            predicted = {k for first, last in runs.tolist() for k in range(first, last)}
            for k in range(-(-length // step)):
                start, end = k * step, min((k + 1) * step, length)
                (value,) = found.stats(contig, start, end, exact=True)
                (raw,) = oracle.stats(contig, start, end, exact=True)
                if k not in predicted or raw is None:
                    assert value is None
                else:
                    assert value == pytest.approx(np.log(raw / 2 + 0.5), rel=1e-5, abs=1e-6)
    scene = make_scene(plan, folder, chosen, fasta=finished.work / "genome.fa")
    (shown,) = scene.observed
    assert (shown.name, shown.track) == ("seen <b>", "three")
    assert shown.limits == scene.tracks[2].limits
    view = read_overview(file)
    assert scene.tracks[2].limits.high >= view.max
    assert scene.tracks[0].limits.high < view.max


def test_the_config_may_name_the_locus(finished):
    plan, folder = Plan.load(finished.work / "plan.json"), RunFolder(finished.folder)
    chosen = settings(browser=BrowserConfig(locus="chr2:100-200"))
    scene = make_scene(plan, folder, chosen, fasta=finished.work / "genome.fa")
    assert scene.locus == Locus("chr2", 100, 200)


@pytest.mark.parametrize(
    ("browser", "message"),
    [
        ({"locus": "chr3:5-9"}, "browser.locus: no contig 'chr3': did you mean chr"),
        (
            {"group_by": ("assays",)},
            "browser.group_by: the tracks have no column 'assays': the columns of their metadata "
            "are: assay",
        ),
    ],
)
def test_what_does_not_fit_the_run_is_one_error(finished, browser, message):
    plan, folder = Plan.load(finished.work / "plan.json"), RunFolder(finished.folder)
    chosen = settings(browser=BrowserConfig(**browser))
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        make_scene(plan, folder, chosen, fasta=finished.work / "genome.fa")


def write(path, values, *, contigs):
    with BigWigWriter(path, contigs, step=10) as writer:
        for contig, some in values.items():
            writer.write(contig, 0, np.asarray(some, np.float32))
    return read_overview(path)


def test_limits_leave_out_rare_extremes_and_contain_zero(tmp_path):
    values = np.full(640_000, 3.0)
    values[77_777] = 900.0
    view = write(tmp_path / "a.bw", {"a": values}, contigs={"a": 6_400_000})
    assert choose_limits([view]) == Limits(0.0, 3.0)
    few = write(tmp_path / "b.bw", {"a": [-2.0, 1.0]}, contigs={"a": 20})
    assert choose_limits([few]) == Limits(-2.0, 1.0)
    assert choose_limits([view, few]) == Limits(-2.0, 3.0)


@pytest.mark.parametrize(("peak", "high"), [(8.9, 8.9), (9.1, 3.0)])
def test_limits_reach_extremes_that_are_not_far_out(tmp_path, peak, high):
    values = np.full(640_000, 3.0)
    values[77_777] = peak
    view = write(tmp_path / "a.bw", {"a": values}, contigs={"a": 6_400_000})
    assert choose_limits([view]).high == pytest.approx(high)


@pytest.mark.parametrize(("least", "low"), [(-0.019, 0.0), (-0.021, -0.021)])
def test_limits_leave_out_values_of_the_rarer_sign_that_cannot_be_seen(tmp_path, least, low):
    view = write(tmp_path / "a.bw", {"a": [least, 1.0]}, contigs={"a": 20})
    assert choose_limits([view]) == Limits(pytest.approx(low), 1.0)
    view = write(tmp_path / "b.bw", {"a": [-1.0, -least]}, contigs={"a": 20})
    assert choose_limits([view]) == Limits(-1.0, pytest.approx(-low))


def test_the_first_locus_is_where_the_signal_varies_and_held_out_if_any_is(tmp_path):
    values = {"a": np.zeros(100_000), "b": np.zeros(100_000)}
    values["a"][30_000:30_010] = 9.0
    values["b"][70_000:70_010] = 5.0
    lengths = {"a": 1_000_000, "b": 1_000_000}
    view = write(tmp_path / "a.bw", values, contigs=lengths)
    found = choose_start(view, width=50_000, lengths=lengths)
    assert (found.contig, found.start <= 300_000 < found.end) == ("a", True)
    held = choose_start(
        view, width=50_000, lengths=lengths, held_out=[HeldOut("b", 500_000, 1_000_000)]
    )
    assert (held.contig, held.held_out) == ("b", True)
    assert held.start <= 700_000 < held.end


def test_a_track_without_values_starts_at_the_first_contig(tmp_path):
    view = write(tmp_path / "a.bw", {}, contigs={"a": 70})
    assert choose_start(view, width=50_000, lengths={"a": 70}) == Locus("a", 0, 70)
    assert choose_limits([view]) == Limits(0.0, 1.0)
