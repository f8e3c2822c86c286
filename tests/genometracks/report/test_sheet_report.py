"""The report of a sheet compares its runs by what their own reports stated."""

import pytest

from finished_runs import parse, write_observed
from genometracks.cli import main
from genometracks.report.facts import load_facts
from genometracks.report.render import format_value
from toys import make_words

LENGTHS = {"chr1": 431, "chr10": 570, "chr2": 1003, "tiny": 21}


@pytest.fixture
def runs(make_run, finish, tmp_path):
    """Two runs with reports, one of them with an observed track, and one without bigWigs."""
    bigwig = str(write_observed(tmp_path / "o.bw", LENGTHS))
    evaluation = {"observed": [{"track": "one", "bigwig": bigwig, "name": "<b>bold</b>"}]}
    found = []
    for name, given, with_bigwigs in (
        ("a", evaluation, True),
        ("b", None, True),
        ("c", None, False),
    ):
        run = make_run(name, shards=1)
        run.plan()
        run.predict()
        finish(run, given, bigwig=with_bigwigs)
        found.append(run)
    return found


def compare(runs, out) -> int:
    reports = [str(run.folder / "report.html") for run in runs]
    return main(["compare", "--runs", *reports, "--out", str(out)])


def test_runs_are_compared_by_their_own_numbers(runs, tmp_path):
    assert compare(runs, tmp_path / "report.html") == 0
    report = parse(tmp_path / "report.html")
    rows = report.rows("runs")
    assert [row["run"] for row in rows] == ["a", "b", "c"]
    assert [f"{name}/report.html" in report.addresses for name in "abc"] == [True] * 3
    facts = [load_facts(run.folder / "report.html") for run in runs]
    means = [row["mean"] for row in parse(runs[0].folder / "report.html").rows("all-tracks")]
    assert [row["mean"] for row in rows] == [sorted(means, key=float)[1]] * 2 + ["–"]
    assert [row["tracks"] for row in rows] == ["3", "3", "3"]
    assert [row["model"] for row in rows] == [f"{x}_model.safetensors, ConvModel" for x in "abc"]
    assert rows[0]["bins"] == f"{facts[0].bins:,}"
    assert rows[0]["wall time"] == "6.0 s"  # 2 s of the plan, 4 s of the prediction
    assert rows[0]["device hours"] == format_value(4 / 3600)
    assert rows[0]["rate"] == f"{facts[0].windows / 4 * 72:.0f} bp/s"
    line = (runs[0].folder / "evaluation.tsv").read_text().splitlines()[1].split("\t")
    pearson = f"{float(line[5]):.4f}".replace("-", "−")
    assert [row["Pearson"] for row in rows] == [pearson, "", ""]
    (pair,) = report.rows("pairs")
    assert (pair["run"], pair["observed"], pair["Pearson"]) == ("a", "<b>bold</b>", pearson)
    assert "b" not in report.tags and report.tags.count("img") == 3


def test_without_an_evaluation_nothing_of_it_is_shown(runs, tmp_path):
    assert compare(runs[1:], tmp_path / "report.html") == 0
    report = parse(tmp_path / "report.html")
    assert "Pearson" not in report.text
    assert "Pearson" not in report.tables["runs"][0] and "pairs" not in report.tables


def test_a_run_without_facts_is_one_error(runs, tmp_path, capsys):
    report = runs[1].folder / "report.html"
    text = report.read_text()
    report.write_text(text.replace('id="facts">{"format": 1', 'id="facts">{"format": 0'))
    capsys.readouterr()
    assert compare(runs, tmp_path / "report.html") == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"genometracks compare: {report}: no usable facts of a run (format version 0, expected "
        "1): delete it and run again"
    )
    report.write_text(text[:3000])
    assert compare(runs, tmp_path / "report.html") == 1
    assert "no usable facts of a run (there are none): delete" in capsys.readouterr().err
    assert not (tmp_path / "report.html").exists()


def test_the_order_is_that_of_the_command(runs, tmp_path):
    words = make_words("compare", out=tmp_path / "report.html")
    reports = [str(run.folder / "report.html") for run in reversed(runs)]
    assert main([*words, "--runs", *reports]) == 0
    assert [row["run"] for row in parse(tmp_path / "report.html").rows("runs")] == ["c", "b", "a"]
