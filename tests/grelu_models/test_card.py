"""What is measured on a model, and what is known about it without its weights."""

import pytest
import torch

from grelu_models.card import Geometry, measure_flanks, measure_geometry, measure_receptive_field
from grelu_models.checkpoint import build_model, load
from grelu_models.description import describe, list_tracks, pair_strands, read_track_table
from grelu_models.errors import ModelError
from grelu_models.files.weights_file import open_weights
from toys import ARCHITECTURE, TRACKS, write_model

BORZOI = {
    "model_type": "BorzoiModel",
    "n_tasks": 2,
    "stem_channels": 4,
    "init_channels": 32,
    "channels": 64,
    "n_transformers": 1,
    "crop_len": 2,
    "final_pool_func": None,
}
ENFORMER = {
    "model_type": "EnformerModel",
    "n_tasks": 2,
    "channels": 384,
    "n_conv": 3,
    "n_transformers": 1,
    "n_heads": 4,
    "crop_len": 3,
    "final_pool_func": None,
}


@pytest.mark.parametrize(
    ("architecture", "window", "geometry"),
    [
        (BORZOI, 1024, (1024, 32, 2, 28, 2)),
        ({**BORZOI, "final_pool_func": "avg"}, 1024, (1024, None, 0, 1, 2)),
        (ENFORMER, 256, (256, 8, 3, 26, 2)),
        ({"model_type": "ConvGRUModel", "n_tasks": 2, "crop_len": 3}, 50, (50, None, 0, 1, 2)),
        (
            {"model_type": "ConvGRUModel", "n_tasks": 2, "crop_len": 3, "final_pool_func": None},
            50,
            (50, 1, 3, 44, 2),
        ),
        (
            {"model_type": "ConvTransformerModel", "n_tasks": 1, "final_pool_func": None}
            | {"pool_func": "max", "pool_size": 5},
            50,
            (50, 5, 0, 10, 1),
        ),
        ({"model_type": "ConvMLPModel", "n_tasks": 4, "seq_len": 60}, 60, (60, None, 0, 1, 4)),
        ({"model_type": "ExplaiNNModel", "n_tasks": 4, "in_len": 60}, 60, (60, None, 0, 1, 4)),
        (
            {"model_type": "BorzoiModel", "n_tasks": 7611, "crop_len": 5120}
            | {"final_pool_func": None},
            524_288,
            (524_288, 32, 5120, 6144, 7611),
        ),
        (
            {"model_type": "EnformerPretrainedModel", "n_tasks": None, "crop_len": 320}
            | {"final_pool_func": None},
            196_608,
            (196_608, 128, 320, 896, 5313),
        ),
    ],
)
def test_geometry_of_every_architecture(architecture, window, geometry):
    with torch.device("meta"):
        model = build_model(architecture)
    assert measure_geometry(model, window) == Geometry(*geometry)


@pytest.mark.parametrize(
    ("architecture", "window", "message"),
    [
        (BORZOI, 1056, "window 1056 is not a multiple of 128 bp, .*: use 1024 or 1152"),
        (ENFORMER, 255, "window 255 is not a multiple of 8 bp, .*: use 248 or 256"),
        (ENFORMER | {"crop_len": 0}, 5, "window 5 is not a multiple of 8 bp, .*: use 8$"),
        (BORZOI, 128, "cropping 2 positions at each end leaves nothing of 4"),
        (
            {"model_type": "ConvMLPModel", "n_tasks": 4, "seq_len": 60},
            61,
            "window 61 does not fit the model",
        ),
    ],
)
def test_windows_that_do_not_fit_are_refused(architecture, window, message):
    with torch.device("meta"):
        model = build_model(architecture)
    with pytest.raises(ModelError, match=message):
        measure_geometry(model, window)


def find_influence(model, window, position):
    """First and last base that influence the output at a position."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(1, 4, window, generator=generator, dtype=torch.float64, requires_grad=True)
    model.double().eval()(x)[0, :, position].sum().backward()
    moving = x.grad.abs().sum((0, 1)).nonzero().flatten()
    return int(moving[0]), int(moving[-1])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"n_conv": 1, "crop_len": 0},
        {"kernel_size": 4, "dilation_init": 2, "dilation_mult": 3, "n_conv": 4},
        {"pool_func": "avg", "pool_size": 3, "residual": True},
        {"pool_func": "attn"},
        {"model_type": "DilatedConvModel", "channels": 4},
    ],
)
def test_the_receptive_field_is_what_influences_an_output(changes):
    architecture = {**ARCHITECTURE, "act_func": "gelu", "pool_func": "avg", **changes}
    if changes.get("model_type"):
        architecture = {"n_tasks": 1, "n_conv": 4, "final_pool_func": None, **changes}
    torch.manual_seed(0)
    model = build_model(architecture)
    window = 432
    found, flanks = measure_receptive_field(model, window), measure_flanks(model, window)
    geometry = measure_geometry(model, window)
    first, last = find_influence(model, window, geometry.length // 2)
    assert found == last - first + 1
    start = (geometry.crop + geometry.length // 2) * geometry.bin
    assert flanks == (start - first, last - start - geometry.bin + 1)


def test_the_receptive_field_is_at_most_the_window():
    assert measure_receptive_field(build_model({**ARCHITECTURE, "crop_len": 0}), 16) == 16


@pytest.mark.parametrize("architecture", [BORZOI, ENFORMER])
def test_attention_reads_the_whole_window(architecture):
    assert measure_receptive_field(build_model(architecture), 1024) == 1024
    assert measure_flanks(build_model(architecture), 1024) is None


def test_a_card_holds_what_a_pipeline_needs(tmp_path):
    pairs = [2, 1, 0]
    tracks = [{**track, "strand_pair": i} for track, i in zip(TRACKS, pairs, strict=True)]
    _, card = load(write_model(tmp_path, tracks=tracks))
    assert card.strand_partners == pairs and card.receptive_field == 22
    assert card.notes == [] and card.source == str(tmp_path / "model.safetensors")
    _, card = load(tmp_path / "model.safetensors", window=192)
    assert card.notes == [
        "windows of 192 bp are read by a model that was trained on 96 bp: "
        "its values may differ from those of its training"
    ]


def test_half_precision_weights_become_float32(tmp_path):
    model, _ = load(write_model(tmp_path))
    torch.save(model.half().state_dict(), tmp_path / "half.pt")
    loaded, _ = load(tmp_path / "half.pt", architecture=ARCHITECTURE, window=96)
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    assert not any(p.is_meta for p in loaded.parameters())


def test_a_file_with_another_digest_is_refused(tmp_path):
    weights = write_model(tmp_path)
    with pytest.raises(ModelError, match=f"{weights}: sha256 is [0-9a-f]{{64}}, not 0{{64}}"):
        load(weights, sha256="0" * 64)
    with pytest.raises(ModelError, match="sha256 'abc' is not a digest: give 64 hexadecimal"):
        load(weights, sha256="abc")


def test_tables_of_targets_name_the_tracks(tmp_path):
    table = tmp_path / "targets.txt"
    table.write_text(
        "\tidentifier\tfile\tstrand_pair\tdescription\n"
        "0\tCNhs1+\t/a/b.w5\t1\tCAGE:one\n"
        "1\tCNhs1-\t/a/c.w5\t0\tCAGE:one\n"
        "2\tENC1\t/a/d.w5\t2\tDNASE:two\n"
    )
    tracks = read_track_table(table)
    assert [track["name"] for track in tracks] == ["CNhs1+", "CNhs1-", "ENC1"]
    assert tracks[2]["description"] == "DNASE:two" and tracks[1]["index"] == "1"
    weights = write_model(tmp_path)
    _, card = load(weights, tracks=tracks)
    assert card.strand_partners == [1, 0, 2]
    assert list_tracks(weights, tracks=tracks) == card.tracks
    with pytest.raises(ModelError, match="names 2 tracks, but the model has 3"):
        list_tracks(weights, tracks=tracks[:2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\n1\t2\n", "needs a column 'name' or 'identifier', has a, b"),
        ("name\tb\nx\t2\ny\n", "line 3 has no name, or not 2 columns"),
        ("name\tb\n\t2\n", "line 2 has no name, or not 2 columns"),
        ("", "the table of tracks cannot be read"),
    ],
)
def test_bad_tables_are_named(tmp_path, text, message):
    (tmp_path / "t.tsv").write_text(text)
    with pytest.raises(ModelError, match=f"t.tsv: {message}"):
        read_track_table(tmp_path / "t.tsv")


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (
            ["1", "2", "0"],
            r"track a \(channel 0\): strand_pair is 1, but channel 1 is not paired with it: the "
            "table needs all tracks of the model, in order",
        ),
        (["0", "1", "3"], r"track c \(channel 2\): strand_pair is 3, but channel 3 is not paired"),
        (["0", "-1", "2"], "track b: strand_pair '-1' is not the number of a channel"),
    ],
)
def test_wrong_partners_are_named(tmp_path, pairs, message):
    tracks = [{"name": name, "strand_pair": pair} for name, pair in zip("abc", pairs, strict=True)]
    with pytest.raises(ModelError, match=message):
        pair_strands(tmp_path, tracks)


def test_tracks_without_partners_are_their_own(tmp_path):
    tracks = [{"name": "a", "strand_pair": ""}, {"name": "b", "strand_pair": 1}]
    assert pair_strands(tmp_path, tracks) == [0, 1]
    assert pair_strands(tmp_path, [{"name": "a"}]) is None


def test_partners_may_be_floats(tmp_path):
    tracks = [{"name": name, "strand_pair": pair} for name, pair in (("a", 1.0), ("b", "0.0"))]
    assert pair_strands(tmp_path, [*tracks, {"name": "c", "strand_pair": ""}]) == [1, 0, 2]
    with pytest.raises(
        ModelError, match="track a: strand_pair '0.5' is not the number of a channel"
    ):
        pair_strands(tmp_path, [{"name": "a", "strand_pair": 0.5}])


def test_published_heads_are_known_without_weights(tmp_path):
    weights = tmp_path / "human_state_dict_rep0.h5"
    weights.write_bytes(b"")
    given = {"model_type": "BorzoiPretrainedModel", "crop_len": 5120, "final_pool_func": None}
    file = open_weights(weights)
    found = describe(file, architecture=given | {"n_tasks": None})
    assert (found.window, found.activation) == (524_288, "softplus")
    assert len(list_tracks(weights, given | {"n_tasks": None})) == 7611
    flashzoi = {"model_type": "borzoi-pytorch", "flashed": True, "head": "mouse"}
    found = describe(file, architecture=flashzoi)
    assert found.architecture == flashzoi and found.statement.count == 2608
    assert len(list_tracks(weights, flashzoi)) == 2608
