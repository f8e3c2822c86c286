"""Tracks are chosen by name or pattern, and get safe file names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genometracks.errors import UserError
from genometracks.tracks.formulas import list_outputs
from genometracks.tracks.selection import select_tracks
from genometracks.tracks.table import RunTrack, safe_names, write_tracks
from toys import recipe_settings

MODEL = [{"name": "CTCF_k562"}, {"name": "CTCF_hepg2"}, {"name": "ATAC[1]"}]


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (["*"], [0, 1, 2]),
        (["CTCF_*"], [0, 1]),
        (["ATAC[1]", "CTCF_k562"], [0, 2]),
        (["*k562", "CTCF_k562"], [0]),
    ],
)
def test_tracks_are_chosen_in_the_models_order(wanted, chosen):
    assert select_tracks(MODEL, wanted) == chosen


def test_a_star_selects_every_track_even_if_one_has_this_name():
    assert select_tracks([{"name": "*"}, {"name": "a"}], ["*"]) == [0, 1]


def test_an_unknown_track_is_refused_with_the_nearest_name():
    with pytest.raises(UserError, match="'CTCF_K562' matches no track .* did you mean CTCF_k562"):
        select_tracks(MODEL, ["CTCF_K562"])


@given(st.lists(st.text(max_size=300), max_size=30))
def test_any_names_become_unique_files_inside_the_folder(names):
    stems = safe_names(names)
    assert len({stem.lower() for stem in stems}) == len(names)
    for stem in stems:
        assert "/" not in stem and not stem.startswith(".") and 0 < len(stem) < 200
        assert stem.isascii() and stem.isprintable() and " " not in stem


def test_a_suffix_never_makes_another_tracks_name():
    assert safe_names(["a", "a", "a_2", "A"]) == ["a", "a_2", "a_2_2", "A_3"]


def run_tracks(of_model: list[dict], **settings) -> list[RunTrack]:
    return [output.track for output in list_outputs(of_model, recipe_settings(**settings))]


def test_tracks_tsv_has_the_contracts_columns(tmp_path):
    tracks = run_tracks(
        [{"name": "a/b", "description": "tab\there", "assay": "ATAC"}, {"name": "c"}]
    )
    write_tracks(tracks, tmp_path / "tracks.tsv", suffix=".bw")
    assert (tmp_path / "tracks.tsv").read_text().splitlines() == [
        "track\tdescription\tfile\tcolumn\tname\tindex\tassay",
        "a_b\ttab here\tbigwig/a_b.bw\ta/b\ta/b\t0\tATAC",
        "c\t\tbigwig/c.bw\tc\tc\t1\t",
    ]


def test_columns_of_the_model_never_replace_those_of_the_run(tmp_path):
    columns = {"track": "x", "index": 7, "file": "ENCFF.w5", "column": "L"}
    tracks = run_tracks([{"name": "a"}, {"name": "b", **columns}], tracks=["b"])
    assert tracks[0].track == "b" and tracks[0].index == 1
    write_tracks(tracks, tmp_path / "tracks.tsv", suffix=".bw")
    assert (tmp_path / "tracks.tsv").read_text().splitlines() == [
        "track\tdescription\tfile\tcolumn\tname\tindex\tmodel_track\tmodel_index\tmodel_file\t"
        "model_column",
        "b\t\tbigwig/b.bw\tb\tb\t1\tx\t7\tENCFF.w5\tL",
    ]
