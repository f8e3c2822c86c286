"""evaluation.tsv: its text, and the rows that are read back."""

from dataclasses import replace

import pytest

from genometracks.config.sections import Observed, Sites
from genometracks.errors import UserError
from genometracks.evaluation.table import (
    Correlation,
    SiteScore,
    find_row,
    find_site_row,
    read_evaluation,
    read_site_scores,
    write_evaluation,
)


def test_table_has_six_digits_and_empty_fields_for_undefined(tmp_path):
    path = tmp_path / "evaluation.tsv"
    rows = [Correlation("t", "o", "*", "all", 1234567, pearson=2 / 3, spearman=-1.0)]
    rows += [replace(rows[0], pearson=float("nan"), spearman=float("nan"))]
    write_evaluation(rows, path)
    assert path.read_text() == (
        "track\tobserved\tcontig\tbins_in\tbins\tpearson\tspearman\n"
        "t\to\t*\tall\t1234567\t0.666667\t-1\n"
        "t\to\t*\tall\t1234567\t\t\n"
    )


def test_failed_writing_leaves_the_older_table_alone(tmp_path, monkeypatch):
    path = tmp_path / "evaluation.tsv"
    path.write_text("older")

    def full_disk(_descriptor):
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(UserError, match="cannot be written"):
        write_evaluation([], path)
    assert path.read_text() == "older"
    assert [file.name for file in tmp_path.iterdir()] == ["evaluation.tsv"]


def test_rows_with_names_like_missing_values_are_read_back(tmp_path):
    row = Correlation("NA", "1.50", "*", "held_out", 7, pearson=0.95675, spearman=-1.0)
    rows = [row, replace(row, track='a "b"\tc', observed="nan", contig="007", bins_in="all")]
    write_evaluation(rows, tmp_path / "evaluation.tsv")
    assert read_evaluation(tmp_path / "evaluation.tsv") == rows
    write_evaluation([replace(row, pearson=float("nan"))], tmp_path / "evaluation.tsv")
    (found,) = read_evaluation(tmp_path / "evaluation.tsv")
    assert str(found.pearson) == "nan"


def test_a_table_without_rows_is_its_header(tmp_path):
    write_evaluation([], tmp_path / "evaluation.tsv")
    text = (tmp_path / "evaluation.tsv").read_text()
    assert text == "track\tobserved\tcontig\tbins_in\tbins\tpearson\tspearman\n"
    assert read_evaluation(tmp_path / "evaluation.tsv") == []


def test_held_out_bins_take_precedence_over_all_bins():
    entry = Observed("t", "dir/o.bw")
    row = Correlation("t", "o", "*", "all", 9, pearson=0.5, spearman=0.5)
    others = [replace(row, contig="c", bins_in="held_out"), replace(row, observed="other")]
    held = replace(row, bins_in="held_out")
    assert find_row([*others, row], entry) == row
    assert find_row([*others, row, held], entry) == held


SCORE = SiteScore("a+", "exons", "*", "all", 99, 12, 2, 10, 0.88, 2 / 3, -1, 9, 0.0, 0.125)


def test_rows_of_sites_have_columns_of_their_own(tmp_path):
    path = tmp_path / "evaluation.tsv"
    row = Correlation("t", "o", "*", "all", 1234567, pearson=2 / 3, spearman=-1.0)
    undefined = replace(SCORE, positives=0, top_k=float("nan"), average_precision=float("nan"))
    write_evaluation([row], path, sites=[SCORE, undefined])
    assert path.read_text() == (
        "track\tobserved\tcontig\tbins_in\tbins\tpearson\tspearman\tsites\tleft_out\tpositives\t"
        "top_k\taverage_precision\tshift\tshifted_positives\tshifted_top_k\t"
        "shifted_average_precision\n"
        "t\to\t*\tall\t1234567\t0.666667\t-1\t\t\t\t\t\t\t\t\t\n"
        "a+\texons\t*\tall\t99\t\t\t12\t2\t10\t0.88\t0.666667\t-1\t9\t0\t0.125\n"
        "a+\texons\t*\tall\t99\t\t\t12\t2\t0\t\t\t-1\t9\t0\t0.125\n"
    )
    assert read_evaluation(path) == [replace(row, pearson=0.666667)]
    first, second = read_site_scores(path)
    assert first == replace(SCORE, average_precision=0.666667)
    assert second.positives == 0 and str(second.top_k) == "nan"


def test_a_table_of_sites_alone_is_read_back(tmp_path):
    path = tmp_path / "evaluation.tsv"
    row = replace(SCORE, average_precision=0.5, observed="NA")
    write_evaluation([], path, sites=[row])
    assert read_site_scores(path) == [row] and read_evaluation(path) == []


def test_the_row_of_an_entry_of_sites_is_that_of_held_out_bins():
    entry = Sites("a+", "dir/exons.gtf.gz")
    held = replace(SCORE, bins_in="held_out")
    others = [replace(SCORE, contig="c"), replace(SCORE, track="d+")]
    assert find_site_row([*others, SCORE], entry) == SCORE
    assert find_site_row([*others, SCORE, held], entry) == held
