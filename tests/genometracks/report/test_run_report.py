"""The report of a run: its values are those of the files, and its text is only text."""

import json
import re
import struct

import numpy as np
import pyBigWig
import pytest
import yaml
from scipy.stats import spearmanr

from finished_runs import parse, write_observed
from genometracks.plan.plan import Plan
from genometracks.report.render import format_value
from toys import merged

LENGTHS = {"chr1": 431, "chr10": 570, "chr2": 1003, "tiny": 21}
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def evaluation(tmp_path):
    """Two observed tracks on random bases, and sites; a part of chr2 is held out."""
    bigwig = str(write_observed(tmp_path / "o.bw", LENGTHS))
    other = str(write_observed(tmp_path / "p.bw", LENGTHS, seed=1))
    sites = tmp_path / "exons.bed"
    sites.write_text("chr2\t10\t11\nchr2\t840\t841\nchr2\t900\t901\nchr1\t300\t301\n")
    return {
        "observed": [{"track": "one", "bigwig": bigwig}, {"track": "three", "bigwig": other}],
        "sites": [{"track": "three", "file": str(sites)}],
        "held_out": [{"contig": "chr2", "start": 700, "end": 1003}],
        "locus_width": 1000,
    }


def test_statistics_of_tracks_are_those_of_the_bigwigs(run, finish):
    report = parse(finish(run))
    rows = report.rows("all-tracks")
    assert [row["track"] for row in rows] == ["one", "two/../etc", "three"]
    for row, stem in zip(rows, ("one", "two_.._etc", "three"), strict=True):
        with pyBigWig.open(str(run.folder / "bigwig" / f"{stem}.bw")) as file:
            parts = [
                file.values(contig, 0, length, numpy=True) for contig, length in LENGTHS.items()
            ]
        bases = np.concatenate(parts).astype(np.float64)
        known = bases[np.isfinite(bases)]
        assert row["mean"] == format_value(known.mean())
        assert row["sd"] == format_value(known.std())
        assert row["min"] == format_value(known.min())
        assert row["max"] == format_value(known.max())
        assert row["covered"] == f"{100 * len(known) / len(bases):.3g}%"
        assert f"bigwig/{stem}.bw" in report.addresses


def test_means_of_contigs_are_those_of_the_values(run, finish):
    report = parse(finish(run))
    plan, values = Plan.load(run.work / "plan.json"), merged(run)
    rows = report.rows("all-contigs")
    assert [row["contig"] for row in rows] == ["chr2", "chr10", "chr1", "tiny"]
    for row in rows:
        length, bins = LENGTHS[row["contig"]], values[row["contig"]]
        assert row["bp"] == f"{length:,}" and row["bins"] == f"{len(bins):,}"
        assert row["absent"] == f"{100 * (1 - len(bins) / -(-length // 4)):.3g}%"
        widths = [min(4, length - 4 * k) for k in bins]
        mean = np.average([value[2] for value in bins.values()], weights=widths)
        assert row["mean of three"] == format_value(float(np.float32(mean)))
    assert plan.bins == sum(map(len, values.values()))


def test_correlations_are_split_by_held_out_and_other_bins(run, finish, evaluation):
    report = parse(finish(run, evaluation))
    rows = [row for row in report.rows("correlations") if row["track"] == "three"]
    assert [row["bins"] for row in rows] == ["all", "held-out", "training (not held out)"]
    with pyBigWig.open(evaluation["observed"][1]["bigwig"]) as file:
        observed = {contig: file.values(contig, 0, length) for contig, length in LENGTHS.items()}
    pairs = [
        (contig == "chr2" and 4 * k >= 700, value[2], np.mean(observed[contig][4 * k : 4 * k + 4]))
        for contig, bins in merged(run).items()
        for k, value in bins.items()
    ]
    held, predicted, truth = map(np.array, zip(*pairs, strict=True))
    for row, kept in zip(rows, (held >= 0, held, ~held), strict=True):
        x, y = predicted[kept], truth[kept]
        assert row["number"] == f"{len(x):,}"
        assert float(row["Pearson"].replace("−", "-")) == pytest.approx(
            np.corrcoef(x, y)[0, 1], abs=6e-5
        )
        assert float(row["Spearman"].replace("−", "-")) == pytest.approx(
            spearmanr(x, y).statistic, abs=6e-5
        )
    assert "Training bins: those that are not held out, in all windows of 1,000 bp." in report.text


def test_figures_are_inside_the_file(run, finish, evaluation):
    path = finish(run, evaluation)
    report = parse(path)
    images = [each for each in report.addresses if each.startswith("data:image/png")]
    # 3 distributions, 2 scatters, 2 x 2 loci, 1 curve, 2 sites.
    assert report.tags.count("img") == len(images) == 12
    figures = re.findall(r'alt="([^"]*)"', path.read_text())
    assert sum("highest agreement" in text for text in figures) == 2
    assert sum("lowest value at a site" in text for text in figures) == 1
    (row,) = [row for row in report.rows("sites") if row["bins"] == "held_out"]
    table = (run.folder / "evaluation.tsv").read_text().splitlines()
    (cells,) = [
        dict(zip(table[0].split("\t"), line.split("\t"), strict=True))
        for line in table[1:]
        if line.startswith("three\texons\t*\theld_out")
    ]
    assert row["average precision"] == f"{float(cells['average_precision']):.4f}"


def test_times_rates_and_memory_are_those_of_the_logs(run, finish):
    report = parse(finish(run))
    stages = {row["stage"]: row for row in report.rows("stages")}
    assert stages["plan"]["wall time"] == "2.0 s" and stages["plan"]["peak memory"] == "40.0 MB"
    # Three jobs of 4 s that start 1 s apart.
    assert stages["predict"]["jobs"] == "3" and stages["predict"]["wall time"] == "6.0 s"
    assert stages["predict"]["sum of the jobs"] == "12.0 s"
    assert stages["predict"]["peak memory"] == "1.3 GB"
    plan = Plan.load(run.work / "plan.json")
    rate = format_value(plan.windows / 12)
    assert f"{rate} windows/s, {plan.windows / 12 * 72:.0f} bp/s of one job" in report.text
    assert f"{plan.windows:,} windows in 6.0 s" in report.text
    assert f"{format_value(12 / 3600)} h of cpu for all windows" in report.text
    manifest = json.loads((run.folder / "manifest.json").read_text())
    sizes = {row["results"]: row for row in report.rows("sizes")}
    expected = [e["bytes"] for f, e in manifest["outputs"].items() if f.startswith("bigwig/")]
    assert sizes["bigwig"]["bytes"] == f"{sum(expected):,}" and sizes["bigwig"]["files"] == "3"


def test_a_shard_that_was_kept_does_not_count_as_predicted(run, finish):
    finish(run)
    log = run.folder / "logs" / "predict" / "0.log"
    log.write_text(log.read_text().replace("\n", "\nshard 0 is complete: nothing to predict\n", 1))
    words = {"plan": run.work / "plan.json", "model": run.work / "model.json"}
    out = run.folder / "report.html"
    settings = {"observed": []}
    run.command("report", settings=settings, logs=run.folder / "logs", out=out, **words)
    plan = Plan.load(run.work / "plan.json")
    kept = plan.windows - plan.shards[0].windows
    text = parse(out).text
    assert f"{kept} windows in 5.0 s (of {plan.windows}: the other shards were complete)" in text


def test_the_terms_and_the_citation_of_the_weights_are_stated(run, finish):
    described = run.weights.with_suffix(".yaml")
    known = yaml.safe_load(described.read_text())
    described.write_text(yaml.safe_dump({**known, "licence": "CC BY", "citation": "Doe <2026>"}))
    run.plan()
    run.predict()
    text = parse(finish(run)).text
    assert "licence" in text and "CC BY" in text
    assert re.search(r"\bcite\s*Doe <2026>", text)


def test_the_step_at_borders_and_the_ends_of_contigs_are_in_words(make_run, finish):
    run = make_run(shards=1, trim=4)
    run.plan()
    run.predict()
    report, note = parse(finish(run)), run.notes()["borders"]
    shares = sorted(d / s for d, s in zip(note["difference"], note["scale"], strict=True))
    assert (
        f"{float(f'{100 * shares[1]:.3g}'):g}% of the mean |value| there for the middle"
        in report.text
    )
    assert f"compared in both bins at a border, {note['bins']:,} bins" in report.text
    plan = Plan.load(run.work / "plan.json")
    assert f"{plan.padded_bins:,} bins (" in report.text
    assert "Every genome has such bins; their values are kept." in report.text
    assert [row["step"] for row in report.rows("all-tracks")].count("–") == 0


def test_without_trim_the_step_is_not_measurable(run, finish):
    report = parse(finish(run))
    assert "not measurable: without prediction.trim" in report.text
    assert "step" not in report.tables["all-tracks"][0]


def test_without_bigwigs_the_report_says_what_it_lacks(run, finish, evaluation):
    report = parse(finish(run, evaluation, bigwig=False))
    assert "The config writes no bigWigs (output.bigwig: false)" in report.text
    assert "all-tracks" not in report.tables
    assert [row["bins"] for row in report.rows("correlations")] == ["all", "held-out"] * 2
    assert len(report.rows("all-contigs")) == 4


def test_names_and_descriptions_are_text(make_run, finish, tmp_path):
    tracks = [
        {
            "name": HOSTILE,
            "description": f"{HOSTILE}\" onload='x' {{{{ 7 * 7 }}}}",
            "units": HOSTILE,
        },
        {"name": "a\u202eb $\\frac{1}{2}$", "description": "\x1b[31m"},
        {"name": "long " + 400 * "x", "description": 3000 * "y"},
    ]
    run = make_run(model={"tracks": tracks}, shards=1)
    run.plan()
    run.predict()
    path = finish(run)
    report, text = parse(path), path.read_text()
    assert report.tags.count("script") == 2  # the facts, and what sorts tables
    assert HOSTILE not in text and "&lt;script&gt;alert(1)" in text
    rows = report.rows("all-tracks")
    assert rows[0]["track"] == HOSTILE and "{{ 7 * 7 }}" in rows[0]["description"]
    assert "\x1b" not in text and "\u202e" not in text
    assert len(rows[2]["track"]) == 120 and len(rows[2]["description"]) == 160
    assert not re.search(r"<[^>]+\son\w+\s*=", text)


def test_nothing_is_loaded_from_elsewhere(run, finish, evaluation):
    report = parse(finish(run, evaluation))
    assert "default-src 'none'" in (run.folder / "report.html").read_text()
    for address in report.addresses:
        assert re.match(r"data:|#|bigwig/[\w.+-]+\.bw$|manifest\.json$|summary\.txt$", address)


def test_the_report_is_sealed_but_not_in_the_manifest(run, finish):
    from genometracks.verify.run import verify_run

    report = finish(run)
    manifest = run.folder / "manifest.json"
    assert "report.html" not in json.loads(manifest.read_text())["outputs"]
    checked = {each.file: each.problem for each in verify_run(run.folder).checked}
    assert checked[report] is None
    report.write_text(report.read_text().replace("What was run", "What was won"))
    (damaged,) = verify_run(run.folder).damaged
    assert damaged.file == report and damaged.problem == "its content changed since it was written"
    settings = {"run": "run", "genome": {"fasta": "x"}, "model": {"weights": "y"}}
    from genometracks.config.resolve import resolve_config

    config = resolve_config(settings)  # the manifest is written again in spite of that
    run.command("manifest", settings=config, plan=run.work / "plan.json", out=manifest)
    assert "report.html" not in json.loads(manifest.read_text())["outputs"]


def test_a_damaged_bigwig_is_one_error(run, finish, capsys):
    from genometracks.cli import main
    from toys import make_words

    finish(run)
    bigwig, out = run.folder / "bigwig" / "one.bw", run.folder / "report.html"
    out.unlink()
    data = bytearray(bigwig.read_bytes())
    data[44:52] = struct.pack("<Q", 2**40)  # the offset of the summary
    bigwig.write_bytes(data)
    capsys.readouterr()
    words = {"plan": run.work / "plan.json", "model": run.work / "model.json", "out": out}
    logs = run.folder / "logs"
    assert main(make_words("report", settings={"observed": []}, logs=logs, **words)) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == (
        f"genometracks report: {bigwig}: the bigWig is damaged at the file's end: copy or make it "
        "again"
    )
    assert not out.exists()
