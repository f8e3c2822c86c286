"""The figures: sizes, same input same bytes, and pixels that follow the data."""

import io
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from matplotlib.image import imread

from genometracks.errors import UserError
from genometracks.evaluation.evaluate_sites import SiteCurves
from genometracks.evaluation.locus import Locus
from genometracks.evaluation.locus_figure import Curve, draw_locus
from genometracks.evaluation.ranking import Curve as Points
from genometracks.evaluation.scatter_figure import draw_scatter
from genometracks.evaluation.site_figure import draw_sites
from genometracks.evaluation.table import SiteScore

STEP = 100
STARTS = np.arange(1_000_000, 1_050_000, STEP)
PEAKS = 5 + 4 * np.sin(np.arange(len(STARTS)) / 9)
DARK, LIGHT = (0x1B, 0x4F, 0x8A), (0x7F, 0xB0, 0xDC)


def pixels(path):
    return (imread(io.BytesIO(path.read_bytes()))[..., :3] * 255).round().astype(int)


def area(image, colour):
    return int((image == colour).all(axis=-1).sum())


def locus(path, *values, starts=STARTS, **options):
    tracks = [
        Curve(label, starts, STEP, y)
        for label, y in zip(["predicted", "observed"], values, strict=False)
    ]
    settings = {"contig": "chr1", "start": 1_000_000, "end": 1_050_000} | options
    draw_locus(path, Locus(**settings), tracks=tracks)
    return pixels(path)


def scatter(path, predicted, observed):
    draw_scatter(
        path, predicted=predicted, observed=observed, label="t", pearson=0.5, spearman=0.25
    )
    return pixels(path)


def test_locus_is_ten_by_four_inches_at_150_dpi(tmp_path):
    assert locus(tmp_path / "a.png", PEAKS, PEAKS).shape == (600, 1500, 3)


def test_same_locus_gives_the_same_bytes_under_any_user_settings(tmp_path):
    locus(tmp_path / "a.png", PEAKS, PEAKS)
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "red", "savefig.dpi": 40}):
        locus(tmp_path / "b.png", PEAKS, PEAKS)
    data = (tmp_path / "a.png").read_bytes()
    assert data == (tmp_path / "b.png").read_bytes()
    assert b"Software" not in data and b"matplotlib" not in data


def test_filled_area_follows_the_values_on_one_shared_scale(tmp_path):
    high = np.full(len(STARTS), 8.0)
    image = locus(tmp_path / "a.png", high, high / 3)
    assert area(image, DARK) / area(image, LIGHT) == pytest.approx(3, rel=0.05)
    image = locus(tmp_path / "b.png", high / 4, high)
    assert area(image, LIGHT) / area(image, DARK) == pytest.approx(4, rel=0.06)


def test_curves_of_other_pairs_have_their_own_scale_and_hue(tmp_path):
    high = np.full(len(STARTS), 8.0)
    tracks = [Curve("a", STARTS, STEP, high, "a"), Curve("b", STARTS, STEP, high / 100, "b")]
    draw_locus(tmp_path / "a.png", Locus("c", 1_000_000, 1_050_000), tracks=tracks)
    image = pixels(tmp_path / "a.png")
    assert area(image, DARK) == pytest.approx(area(image, (0xB3, 0x47, 0x0F)), rel=0.01)


def test_absent_bins_are_blank(tmp_path):
    whole = locus(tmp_path / "a.png", PEAKS)
    kept = np.r_[0:200, 300:500]
    with_gap = locus(tmp_path / "b.png", PEAKS[kept], starts=STARTS[kept])
    row = slice(270, 290)  # low in the panel, where every bin is filled
    left, right = 105, 1455
    gap = slice(left + (right - left) * 2 // 5 + 3, left + (right - left) * 3 // 5 - 3)
    assert (with_gap[row, gap] == 255).all()
    assert area(with_gap, DARK) < area(whole, DARK)


def test_signed_values_are_drawn_from_zero(tmp_path):
    half = len(STARTS) // 2
    signed = np.r_[np.full(half, 1.0), np.full(len(STARTS) - half, -1.0)]
    image = (locus(tmp_path / "a.png", signed) == DARK).all(axis=-1)
    rows, columns = np.nonzero(image)
    middle = (columns.min() + columns.max()) / 2
    left, right = rows[columns < middle - 3], rows[columns > middle + 3]
    assert left.max() <= right.min() + 1  # above and below the line at 0
    assert len(left) == pytest.approx(len(right), rel=0.02) and len(left) > 10_000


def test_values_below_zero_are_drawn(tmp_path):
    below = locus(tmp_path / "a.png", -PEAKS)
    above = locus(tmp_path / "b.png", PEAKS)
    assert area(below, DARK) > 10_000 and (below != above).any()


def test_title_and_correlation_change_pixels(tmp_path):
    plain = locus(tmp_path / "a.png", PEAKS, PEAKS)
    badge = locus(tmp_path / "b.png", PEAKS, PEAKS, held_out=True)
    changed = np.argwhere((plain != badge).any(axis=-1))
    assert len(changed) > 500
    assert changed[:, 0].max() < 60 and changed[:, 1].min() > 1300


def test_each_observed_panel_carries_its_own_correlation(tmp_path):
    noise = PEAKS + np.random.default_rng(0).normal(size=len(PEAKS))
    title = (slice(60, 100), slice(1100, 1500))  # to the right, above the first panel
    one = locus(tmp_path / "a.png", PEAKS)
    assert (one[title] == 255).all()
    below = (slice(290, 335), slice(1100, 1500))  # above the second
    same = locus(tmp_path / "b.png", PEAKS, PEAKS)[below]
    other = locus(tmp_path / "c.png", PEAKS, noise)[below]
    assert (same[:30] != 255).any() and (same != other).any()


def test_names_are_no_formulas_and_long_ones_do_not_leave_the_figure(tmp_path):
    names = ["a$_2$b " * 40, "$\\frac" + "b" * 200]
    tracks = [Curve(name, STARTS, STEP, PEAKS, name) for name in names]
    draw_locus(tmp_path / "a.png", Locus("c", 1_000_000, 1_050_000), tracks=tracks)
    image = pixels(tmp_path / "a.png")
    for above_panel in (slice(60, 95), slice(295, 330)):
        assert (image[above_panel, 200:900] != 255).any()
        assert (image[above_panel, 1230:] == 255).all()
    draw_scatter(
        tmp_path / "b.png", predicted=PEAKS, observed=PEAKS, label=names[0], pearson=1, spearman=1
    )
    assert (pixels(tmp_path / "b.png")[:80, 900:] == 255).all()


def test_locus_without_bins_is_an_empty_panel(tmp_path):
    image = locus(tmp_path / "a.png", PEAKS, PEAKS, start=5_000_000, end=5_050_000)
    assert area(image, DARK) == area(image, LIGHT) == 0


def test_same_scatter_gives_the_same_bytes(tmp_path):
    x, y = np.random.default_rng(0).normal(size=(2, 5_000))
    first = scatter(tmp_path / "a.png", x, y)
    scatter(tmp_path / "b.png", x, y)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert first.shape == (780, 930, 3)


def test_scatter_has_the_observed_to_the_right_and_the_predicted_upwards(tmp_path):
    x = np.linspace(0, 1, 2_000)
    image = scatter(tmp_path / "a.png", x**6, x)  # predicted below observed, except at the ends
    panel = image[82:682, 128:727].sum(axis=-1) < 3 * 240
    lower_right = np.fromfunction(lambda i, j: i + j > 660, panel.shape)
    upper_left = np.fromfunction(lambda i, j: (i + j < 540) & (i > 120), panel.shape)
    assert panel[lower_right].sum() > 5_000 > 50 > panel[upper_left].sum()


def test_scatter_leaves_nan_out_and_survives_constants_and_nothing(tmp_path):
    x, y = np.random.default_rng(0).normal(size=(2, 5_000))
    scatter(tmp_path / "a.png", x, y)
    scatter(tmp_path / "b.png", np.append(x, np.nan), np.append(y, 1.0))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    scatter(tmp_path / "c.png", np.ones(10), np.ones(10))
    scatter(tmp_path / "d.png", np.empty(0), np.empty(0))


def test_nothing_remains_of_a_figure_that_could_not_be_written(tmp_path, monkeypatch):
    def full_disk(_descriptor):
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(UserError, match="cannot be written"):
        locus(tmp_path / "a.png", PEAKS)
    assert list(tmp_path.iterdir()) == []


BLUE, ORANGE = DARK, (0xF2, 0xA6, 0x6B)
SCORE = SiteScore("a+", "exons", "*", "held_out", 99, 12, 2, 10, 0.88, 0.9, -1, 9, 0.0, 0.125)


def sites(path, precision, shifted=(), **changes):
    curves = (
        Points(np.arange(1, len(part) + 1) / max(len(part), 1), np.array(part, float))
        for part in (precision, shifted)
    )
    draw_sites(path, SiteCurves(replace(SCORE, **changes), *curves))
    return pixels(path)


def test_curves_of_sites_are_as_high_as_their_precision(tmp_path):
    image = sites(tmp_path / "a.png", [0.75, 0.75], [0.25, 0.25])
    assert image.shape == (780, 810, 3)
    rows = [np.argwhere((image[140:] == c).all(axis=-1))[:, 0].mean() for c in (BLUE, ORANGE)]
    assert rows[1] - rows[0] == pytest.approx(0.5 * 525 / 1.02, abs=2)  # 3.5 inches are 1.02
    falling = sites(tmp_path / "b.png", [1, 0.5], [0.25, 0.25])
    columns = np.argwhere((falling[160:200] == BLUE).all(axis=-1))[:, 1]
    assert 120 < columns.min() < 132 and 438 < columns.max() < 446  # the first half of recall


def test_a_figure_of_sites_states_its_numbers(tmp_path):
    plain = sites(tmp_path / "a.png", [0.75], [0.25])
    again = sites(tmp_path / "b.png", [0.75], [0.25])
    assert (plain == again).all()
    other = sites(tmp_path / "c.png", [0.75], [0.25], top_k=0.11)
    changed = np.argwhere((plain != other).any(axis=-1))
    assert len(changed) and changed[:, 0].min() > 65 and changed[:, 0].max() < 100


def test_sites_without_a_single_bin_are_an_empty_figure(tmp_path):
    nan = float("nan")
    image = sites(tmp_path / "a.png", [], bins=0, positives=0, top_k=nan, average_precision=nan)
    assert area(image[140:], BLUE) == 0
