"""A finished run, and its values from its shards."""

import shutil
from pathlib import Path

import pytest

from toys import Run, merged, write_fasta, write_model


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory, contigs) -> Run:
    """A finished run of three tracks on four contigs with absent bins, which no test changes."""
    folder = tmp_path_factory.mktemp("read")
    (folder / "toy").mkdir()
    run = Run(folder / "toy", write_model(folder), write_fasta(folder / "g.fa", contigs), shards=3)
    run.plan()
    run.predict()
    run.finish()
    return run


@pytest.fixture(scope="session")
def expected(finished_once):
    """{contig: {bin: values (tracks,)}}, read from the shards."""
    return merged(finished_once)


@pytest.fixture
def finished(finished_once, tmp_path) -> Path:
    """A copy of the finished run that a test may change."""
    return Path(shutil.copytree(finished_once.folder, tmp_path / "toy"))
