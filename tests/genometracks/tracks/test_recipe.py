"""The computation of a run's tracks: channels, partners, scales, and descriptions."""

import pytest

from genometracks.errors import UserError
from genometracks.tracks.formulas import Formula
from genometracks.tracks.recipe import Recipe, Squash, find_stranded, make_recipe
from genometracks.tracks.table import RunTrack
from toys import recipe_settings

SQUASHED = {"scale": "0.3", "clip_soft": "384", "sum_stat": "sum_sqrt"}
TRACKS = [
    {"name": "CNhs1+", "strand_pair": "1", **SQUASHED},
    {"name": "CNhs1-", "strand_pair": "0", **SQUASHED},
    {"name": "ATAC", **SQUASHED, "scale": "0.02", "sum_stat": "sum"},
]


def plan(model: dict | None = None, **settings) -> tuple[list[RunTrack], Recipe]:
    """The tracks and the recipe of a run; `model` replaces properties of the model."""
    model = {"tracks": TRACKS, "partners": [1, 0, 2], "activation": None, **(model or {})}
    return make_recipe(settings=recipe_settings(**settings), **{"folds": 1, **model})


def test_a_plain_run_computes_only_what_it_writes():
    rows, recipe = plan(tracks=["ATAC", "CNhs1+"])
    assert recipe.channels == [0, 2] and recipe.partners is None
    assert recipe.outputs == (Formula("mean", (0,)), Formula("mean", (1,)))
    assert [row.computed for row in rows] == ["logits; squashed scale"] * 2


def test_a_partner_outside_the_selection_is_computed_but_not_written():
    rows, recipe = plan(tracks=["CNhs1-"], reverse_complement=True)
    assert recipe.channels == [0, 1] and recipe.partners == [1, 0]
    assert recipe.outputs == (Formula("mean", (1,)),)
    assert [row.name for row in rows] == ["CNhs1-"]


def test_softmax_is_over_all_tracks_although_one_is_written():
    _, recipe = plan({"activation": "softmax"}, tracks=["ATAC"])
    assert recipe.channels == [0, 1, 2]
    assert recipe.outputs == (Formula("mean", (2,)),)


def test_unpaired_strands_are_their_own_partners():
    _, recipe = plan(reverse_complement=True, strands="unpaired")
    assert recipe.partners == [0, 1, 2]


@pytest.mark.parametrize(
    "names", [("x+", "x-"), ("r_plus", "r_MINUS"), ("a.fwd", "a.rev"), ("Forward", "reverse")]
)
def test_stranded_tracks_without_known_partners_are_refused(names):
    model = {"partners": None, "tracks": [{"name": name} for name in (*names, "other")]}
    with pytest.raises(UserError) as error:
        plan(model, reverse_complement=True)
    assert str(error.value) == (
        f"prediction.reverse_complement: {names[0]} and {names[1]} look like two strands, and the "
        "model does not state which tracks are partners: give its tracks a column strand_pair with "
        "the partner's index (model.tracks), or set prediction.strands: unpaired"
    )
    _, recipe = plan(model, reverse_complement=True, strands="unpaired")
    assert recipe.partners == [0, 1, 2]
    plan(model)  # without reverse complements there is nothing to swap


def test_a_column_of_strands_without_partners_is_refused():
    tracks = [{"name": "a", "strand": "+"}, {"name": "b", "strand": "-"}]
    with pytest.raises(UserError, match="the column strand names two strands"):
        plan({"partners": None, "tracks": tracks}, reverse_complement=True)


def test_partners_of_some_tracks_say_nothing_about_the_others():
    tracks = [{"name": name, "strand_pair": ""} for name in ("a+", "a-", "b+", "b-")]
    tracks[0]["strand_pair"], tracks[1]["strand_pair"] = "1", "0"
    model = {"tracks": tracks, "partners": [1, 0, 2, 3]}
    with pytest.raises(UserError, match=r"b\+ and b- look like two strands"):
        plan(model, reverse_complement=True)
    tracks[2]["strand_pair"], tracks[3]["strand_pair"] = "2", "3"  # their own partners
    assert plan(model, reverse_complement=True)[1].partners == [1, 0, 2, 3]


def test_unstranded_tracks_are_only_flipped():
    tracks = [{"name": "CTCF+RAD21"}, {"name": "x-y"}, {"name": "minus"}]
    model = {"partners": None, "tracks": tracks}
    assert plan(model, reverse_complement=True)[1].partners == [0, 1, 2]
    assert find_stranded(["h3k4me1", "h3k4me3", "T-", "B-"]) is None


def test_scales_are_read_from_the_columns():
    rows, recipe = plan(scale="counts", untransform="untransform", tracks=["CNhs1-", "ATAC"])
    assert recipe.scale == Squash(
        recipe="untransform",
        when="after",
        scale=[0.3, 0.02],
        clip_soft=[384.0, 384.0],
        sqrt=[True, False],
    )
    assert rows[0].computed == "logits; counts by untransform, after the average"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "exp; the model's scale"),
        ({"reverse_complement": True}, "exp, then the mean of 2 strands x 4 folds"),
        (
            {"reverse_complement": True, "shifts": [-1, 0, 1], "average": "logits"},
            "the mean of 2 strands x shifts of -1, 0, 1 bp x 4 folds, then exp",
        ),
        ({"shifts": [2]}, "exp, then the mean of shifts of 2 bp x 4 folds"),
    ],
)
def test_the_computation_is_described(settings, text):
    folds = 1 if not settings else 4
    model = {"activation": "exp", "folds": folds, "tracks": [{"name": "a"}]}
    rows, recipe = plan({**model, "partners": None}, **settings)
    assert rows[0].computed.removesuffix("; the model's scale") == text.removesuffix(
        "; the model's scale"
    )
    assert recipe.order == settings.get("average", "activation")


def test_a_stated_scale_is_named_instead_of_logits():
    model = {"scale": "probability", "folds": 2, "partners": None, "tracks": [{"name": "a"}]}
    rows, _ = plan(model, sd=True)
    assert rows[0].computed == "output, then the mean of 2 folds; probability"
    assert rows[1].computed == "SD of 2 folds: output; probability"
    squashed = plan({"scale": "x"}, scale="counts")[0]
    assert squashed[0].computed == "output; counts by untransform_old, after the average"


def test_strands_are_not_averaged_where_the_family_refuses():
    refused = {"refusal": "the tracks of this model are strands", "tracks": [{"name": "a"}]}
    assert plan(refused)[1].partners is None
    with pytest.raises(UserError) as error:
        plan(refused, reverse_complement=True)
    assert str(error.value) == (
        "prediction.reverse_complement: the tracks of this model are strands: set it to false"
    )


def test_deviations_are_described_as_such():
    model = {"folds": 2}
    rows, recipe = plan(model, sd=True, tracks=["ATAC"], shifts=[1, -1])
    assert [(row.track, row.computed) for row in rows] == [
        ("ATAC", "logits, then the mean of shifts of 1, -1 bp x 2 folds; squashed scale"),
        ("ATAC.sd", "SD of 2 folds: logits, then the mean of shifts of 1, -1 bp; squashed scale"),
    ]
    assert recipe.sd and len(recipe.outputs) == 1


@pytest.mark.parametrize(
    ("model", "settings", "problem"),
    [
        (
            {},
            {"sd": True},
            "output.sd: a standard deviation needs at least two folds, and there is one",
        ),
        (
            {"tracks": [{"name": "a"}], "partners": None},
            {"scale": "counts"},
            "output.scale: counts: track 'a' has no 'scale': model.tracks must name a table with "
            "scale, clip_soft, sum_stat",
        ),
        (
            {"tracks": [{"name": "a", **SQUASHED, "clip_soft": "much"}], "partners": None},
            {"scale": "counts"},
            "output.scale: counts: track 'a': not a number: could not convert string",
        ),
        *(
            (
                {"tracks": [{"name": "a", **SQUASHED, **wrong}], "partners": None},
                {"scale": "counts"},
                f"output.scale: counts: track 'a': its scale is {numbers[0]} and its clip_soft "
                f"{numbers[1]}: the first must be greater than 0",
            )
            for wrong, numbers in [
                ({"scale": "0"}, ("0", "384")),
                ({"scale": "nan"}, ("nan", "384")),
                ({"clip_soft": "nan"}, ("0.3", "nan")),
            ]
        ),
        (
            {},
            {"scale": "counts", "untransform_when": "before", "average": "logits"},
            "output.untransform_when: before: with prediction.average: logits there are no values",
        ),
    ],
)
def test_settings_that_do_not_suit_the_model_are_refused(model, settings, problem):
    with pytest.raises(UserError) as error:
        plan(model, **settings)
    assert str(error.value).startswith(problem)
