"""Fixtures shared by all tests."""

import pytest
from hypothesis import settings

from toys import Run, random_bases, write_fasta, write_model
from warm import Warm

# Shared machines stall: an example's time says nothing about the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def contigs() -> dict[str, str]:
    """Four contigs with N runs, lower case, IUPAC codes, a tail, and one shorter than a window."""
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
    """Make a planned run: `make_run(shards=3, contigs={...}, model={...})`."""

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
    """A server that runs the command line in forked processes, which may be killed."""
    with Warm() as server:
        yield server
