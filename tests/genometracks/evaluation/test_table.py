"""evaluation.tsv: its text, and the rows that are read back."""

from dataclasses import replace

import pytest

from genometracks.config.sections import Observed
from genometracks.errors import UserError
from genometracks.evaluation.table import (
    Correlation,
    find_row,
    read_evaluation,
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
