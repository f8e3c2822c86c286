"""Families of published models state their paper; the file beside the weights takes precedence."""

from functools import partial

import pytest
import yaml

from bpnet_files import write_torch
from cases import fill_weights
from grelu_models.checkpoint import load
from grelu_models.description import list_outputs
from grelu_models.errors import ModelError
from grelu_models.models.bpnet import BPNet
from grelu_models.models.chrombpnet import ChromBPNet
from spliceai_files import write_keras2
from toys import write_model


def state(weights, **architecture):
    return list_outputs(weights, architecture or None).statement


@pytest.mark.parametrize(
    ("architecture", "papers"),
    [
        ({"model_type": "BorzoiModel", "n_tasks": 2}, ["10.1038/s41588-024-02053-6"]),
        ({"model_type": "BorzoiPretrainedModel"}, ["10.1038/s41588-024-02053-6"]),
        (
            {"model_type": "BorzoiModel", "n_tasks": 2, "flash_attn": "flashzoi"},
            ["10.1101/2024.12.18.629121", "10.1038/s41588-024-02053-6"],
        ),
        (
            {"model_type": "borzoi-pytorch", "flashed": True},
            ["10.1101/2024.12.18.629121", "10.1038/s41588-024-02053-6"],
        ),
        ({"model_type": "enformer-pytorch"}, ["10.1038/s41592-021-01252-x"]),
        ({"model_type": "EnformerModel", "n_tasks": 2}, ["10.1038/s41592-021-01252-x"]),
        ({"model_type": "ExplaiNNModel", "n_tasks": 2}, ["10.1186/s13059-023-02985-y"]),
        ({"model_type": "ConvModel", "n_tasks": 3}, []),
    ],
)
def test_classes_of_published_models_state_their_papers(tmp_path, architecture, papers):
    weights = write_model(tmp_path)
    weights.with_suffix(".yaml").unlink()
    cited = state(weights, **architecture).citation
    assert [each.split("doi:")[1] for each in (cited or "").split("; ") if each] == papers


def write_part(path, make):
    made = make()
    fill_weights(made.state_dict())
    return write_torch(path, made.state_dict())


def test_spliceai_bpnet_and_chrombpnet_state_their_papers(tmp_path):
    make = partial(BPNet, n_filters=6, n_layers=2, n_outputs=1, trim=61)
    spliceai = write_keras2(tmp_path / "s.h5", 80)
    bpnet = write_part(tmp_path / "b.pt", make)
    both = write_part(tmp_path / "c.pt", lambda: ChromBPNet(accessibility=make(), bias=make()))
    assert [
        state(spliceai, model_type="SpliceAI").citation,
        state(bpnet, model_type="BPNet").citation,
        state(both, model_type="ChromBPNet").citation,
    ] == [
        "Jaganathan et al. 2019, doi:10.1016/j.cell.2018.12.015",
        "Avsec et al. 2021, doi:10.1038/s41588-021-00782-6",
        "Pampari et al. 2024, doi:10.1101/2024.12.25.630221",
    ]


def add(weights, **stated):
    beside = weights.with_suffix(".yaml")
    beside.write_text(yaml.safe_dump({**yaml.safe_load(beside.read_text()), **stated}))


def test_the_file_beside_the_weights_states_licence_and_citation(tmp_path):
    weights = write_model(tmp_path)
    add(weights, licence="CC BY\n 4.0", citation="Doe 2026, doi:10.1000/182")
    for statement in (state(weights), load(weights)[1].statement):
        assert statement.licence == "CC BY 4.0" and statement.citation.startswith("Doe 2026")


def test_it_takes_precedence_over_the_family(tmp_path):
    weights = write_model(tmp_path)
    add(weights, architecture={"model_type": "EnformerModel", "n_tasks": 3}, citation="Doe 2026")
    assert state(weights).citation == "Doe 2026"
    add(weights, citation=None)
    assert state(weights).citation is None


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"licence": ["MIT"]}, "model.yaml: licence must be text, not ['MIT']"),
        ({"citation": ""}, "model.yaml: citation must be 1 to 2,000 printable characters"),
        ({"citation": "a" * 2001}, "model.yaml: citation must be 1 to 2,000 printable"),
        ({"licence": "MIT\u202e"}, "model.yaml: licence must be 1 to 2,000 printable"),
    ],
)
def test_other_values_are_refused(tmp_path, stated, message):
    weights = write_model(tmp_path)
    add(weights, **stated)
    with pytest.raises(ModelError) as error:
        state(weights)
    assert message in str(error.value)
