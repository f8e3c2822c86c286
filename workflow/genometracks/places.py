"""Where the workflow's own files are: in a checkout, or in an installed package."""

from functools import cache
from pathlib import Path

from genometracks.errors import UserError

PACKAGE = Path(__file__).parent


@cache
def find_workflow() -> Path:
    """The folder of the Snakefile, with `rules/`, `schemas/`, `profiles/` and `report/`.

    In a checkout, it holds this package. An installed package holds it: `pipeline/workflow/`, and
    the environment files of the jobs in `pipeline/envs/`.

    Raises
    ------
    UserError
        If there is neither.
    """
    inside = PACKAGE / "pipeline" / "workflow"
    for folder in (inside, PACKAGE.parent):
        if (folder / "Snakefile").is_file():
            return folder
    raise UserError(f"{inside}: the workflow is missing: install grelu-tracks again")


def find_snakefile() -> Path:
    """The Snakefile."""
    return find_workflow() / "Snakefile"


def find_schema() -> Path:
    """The JSON schema of the config."""
    return find_workflow() / "schemas" / "config.schema.yaml"


def list_profiles() -> list[str]:
    """Names of the workflow profiles, sorted."""
    return sorted(path.parent.name for path in find_workflow().glob("profiles/*/profile.yaml"))


def find_profile(name: str) -> Path:
    """The folder of a workflow profile, e.g. `local`.

    Raises
    ------
    UserError
        If there is no profile of this name.
    """
    known = list_profiles()
    if name not in known:
        raise UserError(f"profile {name!r} does not exist: give one of {', '.join(known)}")
    return find_workflow() / "profiles" / name
