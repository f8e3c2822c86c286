"""Fixtures shared by all tests."""

import pytest
import torch
from hypothesis import settings

from toys import Run, random_bases, write_fasta, write_model
from warm import Warm

# No deadline: on shared machines, the time of an example is not a property of the code.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

# Two workers on two cores: a thread that spins while it waits takes the core of the other worker.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def contigs() -> dict[str, str]:
    """Contigs with runs of N, lower case, IUPAC codes and partial last bins; one is very short."""
    one = random_bases(1003, seed=1)
    one = one[:300] + "N" * 250 + one[550:700].lower() + one[700:]
    return {
        "chr2": one,
        "chr10": "N" * 40 + random_bases(500, seed=2) + "N" * 30,
        "chr1": random_bases(431, seed=3)[:200] + "RYK" + random_bases(431, seed=3)[203:],
        "tiny": random_bases(21, seed=4),
    }


@pytest.fixture
def make_run(tmp_path, contigs):
    """Make a run of a toy model: `make_run(shards=3, sequences={...}, model={...})`."""

    def make(name: str = "run", *, model: dict | None = None, sequences=None, **settings) -> Run:
        folder = tmp_path / name
        folder.mkdir()
        weights = write_model(tmp_path, name=f"{name}_model", **(model or {}))
        fasta = write_fasta(tmp_path / f"{name}.fa", sequences or contigs)
        return Run(folder, weights, fasta, **settings)

    return make


@pytest.fixture
def run(make_run):
    """A run of three shards, predicted."""
    run = make_run(shards=3)
    run.plan()
    run.predict()
    return run


@pytest.fixture(scope="session")
def warm():
    """A server that runs commands in forked processes, which a test may kill."""
    with Warm() as server:
        yield server
