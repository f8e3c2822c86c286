"""A finished run, made by the command line."""

from pathlib import Path

import pytest

from toys import Run


@pytest.fixture
def finished(run: Run) -> Path:
    """Folder of a finished run."""
    return run.finish()
