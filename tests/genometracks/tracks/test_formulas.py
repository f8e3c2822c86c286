"""The tracks of a run: chosen, grouped, paired, and named."""

import pytest

from genometracks.errors import UserError
from genometracks.tracks.formulas import list_deviations, list_outputs
from genometracks.tracks.table import RunTrack, safe_names
from toys import recipe_settings

TRACKS = [
    {"name": "h1", "assay": "ATAC", "tissue": "heart"},
    {"name": "l1", "assay": "ATAC", "tissue": "liver"},
    {"name": "h2", "assay": "CAGE", "tissue": "heart"},
    {"name": "x", "assay": "CAGE", "tissue": ""},
]


def choose(**settings) -> list:
    """The outputs of a run."""
    return list_outputs(TRACKS, recipe_settings(**settings))


def list_written(model: list, **settings) -> list[RunTrack]:
    """The run's tracks and their standard deviations."""
    written = [output.track for output in list_outputs(model, recipe_settings(**settings))]
    return written + list_deviations(written)


@pytest.mark.parametrize(
    ("wanted", "members"),
    [
        (["h1"], [0]),
        (["h*", "l1"], [0, 1, 2]),
        ([2, 0], [0, 2]),
        ([{"where": "tissue == heart"}, "x", 3], [0, 2, 3]),
    ],
)
def test_tracks_are_chosen_by_name_pattern_index_and_filter(wanted, members):
    outputs = choose(tracks=wanted)
    assert [output.formula.members for output in outputs] == [(i,) for i in members]
    assert [output.track.index for output in outputs] == members
    assert [output.track.metadata["assay"] for output in outputs] == [
        TRACKS[i]["assay"] for i in members
    ]


def test_groups_are_named_by_their_value_in_the_order_of_their_first_tracks():
    outputs = choose(aggregate={"by": "tissue", "of": "sum"})
    found = [(each.track.track, each.formula.of, each.formula.members) for each in outputs]
    assert found == [
        ("heart", "sum", (0, 2)),
        ("liver", "sum", (1,)),
        ("no_tissue", "sum", (3,)),
    ]
    assert outputs[0].track.description == "sum of 2 tracks with tissue: heart"
    assert outputs[2].track.name == "no tissue" and outputs[2].track.index is None


def test_groups_hold_only_the_chosen_tracks():
    outputs = choose(tracks=["h1", "l1"], aggregate={"by": "tissue", "of": "mean"})
    assert [output.formula.members for output in outputs] == [(0,), (1,)]


def test_pairs_follow_the_tracks_or_are_written_alone():
    pair = {"name": "heart - rest", "of": "difference", "treatment": [{"where": "tissue == heart"}]}
    pair |= {"control": ["l1", 3], "pseudocount": 0.0}
    found = choose(tracks=["l1"], pairs=[pair, {**pair, "of": "log2_ratio", "pseudocount": 0.5}])
    assert [output.track.track for output in found] == ["l1", "heart_-_rest", "heart_-_rest_2"]
    assert [output.formula.of for output in found] == ["mean", "difference", "log2_ratio"]
    assert found[1].formula.members == (0, 2) and found[1].formula.control == (1, 3)
    assert found[1].track.description == "mean of 2 tracks minus mean of 2 tracks"
    assert found[2].track.description == (
        "log2 of mean of 2 tracks divided by mean of 2 tracks, each plus 0.5"
    )
    assert [output.track.name for output in choose(tracks=[], pairs=[pair])] == ["heart - rest"]


def test_deviations_follow_all_tracks_and_have_unique_names():
    tracks = list_written(TRACKS, tracks=["h1", "l1"])
    assert [track.track for track in tracks] == ["h1", "l1", "h1.sd", "l1.sd"]
    assert tracks[2].description == "standard deviation, between folds, of h1"
    tracks = list_written([{"name": "a"}, {"name": "a.sd"}, {"name": "../A"}])
    stems = [track.track for track in tracks]
    assert stems == ["a", "a.sd", "_A", "a.sd_2", "a.sd.sd", "_A.sd"]
    assert [track.name for track in tracks][3:] == ["a.sd", "a.sd.sd", "../A.sd"]


def test_thousands_of_equal_names_become_unique():
    stems = safe_names(["same"] * 7611)
    assert stems[:3] == ["same", "same_2", "same_3"] and len(set(stems)) == 7611


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"tracks": ["h9"]}, "output.tracks: 'h9' matches no track of the model: did you mean h"),
        ({"tracks": [4]}, "output.tracks: track 4 does not exist: the model has tracks 0-3"),
        ({"tracks": []}, "output.tracks: is empty, and there are no output.pairs"),
        (
            {"tracks": [{"where": "tisue == heart"}]},
            "output.tracks: where: 'tisue == heart': no column 'tisue': did you mean 'tissue'?",
        ),
        (
            {"aggregate": {"by": "organ", "of": "mean"}},
            "output.aggregate: no column 'organ': columns are name, assay, tissue",
        ),
        (
            {"pairs": [{"name": "p", "of": "ratio", "treatment": ["h1"], "control": ["q"]}]},
            "output.pairs[0].control: 'q' matches no track of the model",
        ),
    ],
)
def test_an_invalid_selection_is_named(settings, problem):
    with pytest.raises(UserError) as error:
        choose(**settings)
    assert str(error.value).startswith(problem)
