"""Which columns group tracks, which tracks are on first, and in which colours."""

from dataclasses import replace

from genometracks.browse.drawing import choose_summary
from genometracks.browse.hub.columns import choose_columns, list_values
from genometracks.browse.hub.selection import COLOURS, choose_colours, choose_first
from genometracks.browse.limits import Limits
from genometracks.browse.scene import ShownObserved
from scenes import make_scene


def test_columns_with_telling_names_come_first(tmp_path):
    number = [str(i) for i in range(12)]
    scene = make_scene(
        tmp_path,
        [f"n{i}" for i in range(12)],
        lab=["a", "b"] * 6,
        clip=[32, 384] * 6,
        id=number,
        same=["x"] * 12,
        tissue=["liver", "brain", "heart"] * 4,
        assay=["CAGE", "ATAC"] * 6,
        nothing=[None] * 12,
    )
    columns = choose_columns(scene.tracks, named=())
    assert [column.name for column in columns] == ["assay", "tissue", "lab"]
    assert columns[1].values == ("brain", "heart", "liver")
    named = choose_columns(scene.tracks, named=("id", "same"))
    assert [(column.name, len(column.values)) for column in named] == [("id", 12), ("same", 1)]


def test_a_column_of_more_than_100_values_groups_only_if_it_is_named(tmp_path):
    cells = [f"cell {i % 101}" for i in range(300)]
    scene = make_scene(tmp_path, cells, cell=cells)
    assert choose_columns(scene.tracks, named=()) == []
    assert len(choose_columns(scene.tracks, named=("cell",))[0].values) == 101


def test_tracks_without_a_value_are_a_group_of_their_own(tmp_path):
    scene = make_scene(tmp_path, assay=["ATAC", None, "b\nc"])
    assert list_values(scene.tracks, "assay") == ["ATAC", "", "b c"]
    assert list_values(scene.tracks, "unknown") == ["", "", ""]


def test_each_group_has_a_colour(tmp_path):
    names = [f"n{i}" for i in range(16)]
    scene = make_scene(tmp_path, names, assay=["abcdefgh"[i % 8] for i in range(16)])
    columns = choose_columns(scene.tracks, named=())
    found = choose_colours(scene, columns)
    assert found[:8] == found[8:] == [*COLOURS, *COLOURS[:2]]
    assert choose_colours(scene, []) == [COLOURS[0]] * 16


def test_the_minus_strand_has_a_lighter_colour(tmp_path):
    scene = make_scene(tmp_path, list("abcd"), strand=["+", "-", "Minus", None])
    assert choose_colours(scene, []) == [COLOURS[0], *[(115, 177, 213)] * 2, COLOURS[0]]


def test_bins_that_share_a_pixel_are_their_extreme_or_the_mean_of_both_signs():
    limits = [Limits(0.0, 1.0), Limits(-1.0, 0.0), Limits(-1.0, 1.0)]
    assert [choose_summary(each) for each in limits] == ["max", "min", "mean"]


def test_compared_tracks_then_the_strongest_of_each_group_are_on(tmp_path):
    names = [f"n{i}" for i in range(40)]
    scene = make_scene(tmp_path, names, assay=["abc"[i // 14] for i in range(40)])
    seen = ShownObserved("seen", tmp_path / "seen.bw", "t3", Limits(0.0, 1.0))
    scene = replace(scene, observed=(seen,))
    first = choose_first(scene, choose_columns(scene.tracks, named=()))
    assert first == {"t3", "t13", "t27", *(f"t{i}" for i in range(33, 40))}
