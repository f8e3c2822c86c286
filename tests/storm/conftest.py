"""The scene of the storm's tests."""

import pytest

from scene import Scene


@pytest.fixture(scope="session")
def scene(warm, tmp_path_factory) -> Scene:
    """A run, its commands, and the bytes that it must end with."""
    return Scene(tmp_path_factory.mktemp("storm") / "scene", warm)
