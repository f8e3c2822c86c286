"""The command line of Snakemake for a config, a profile and options of the user's own."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from genometracks.errors import UserError
from genometracks.launch.cores import count_cores
from genometracks.launch.events import PLUGIN
from genometracks.places import find_profile, find_snakefile, list_profiles

PROFILE = re.compile(r"(profile|config)(\.v\d+\+)?\.yaml")
"""Name of the file in a folder that is a profile."""
TAKEN = {
    "--configfile": "give the config to genometracks: genometracks run my.yaml",
    "--configfiles": "give the config to genometracks: genometracks run my.yaml",
    "--config": "write the key into the config",
    "-C": "write the key into the config",
    "--snakefile": "genometracks run has its own: use `snakemake` for another",
    "-s": "genometracks run has its own: use `snakemake` for another",
    "--directory": "change to the folder first",
    "-d": "change to the folder first",
    "--logger": "genometracks run has its own: use `snakemake` for another",
    "--profile": "give it before --: genometracks run my.yaml --profile NAME",
    "--workflow-profile": "give it before --: genometracks run my.yaml --profile NAME",
    "--dry-run": "give it before --: genometracks run my.yaml -n",
    "--dryrun": "give it before --: genometracks run my.yaml -n",
    "-n": "give it before --: genometracks run my.yaml -n",
}
"""Options of Snakemake that would contradict this program's -> what to do instead."""


def write_arguments(
    config: Path, *, profile: str = "local", cores: int | None = None, more: Sequence[str] = ()
) -> list[str]:
    """Write the arguments of Snakemake's command line.

    Parameters
    ----------
    config : Path
    profile : str
        Name of a shipped profile, or path of a folder. Default is "local".
    cores : int, optional
        Default is None: all that this process may use, with the local profile; else what the
        profile says.
    more : sequence of str
        Further options of Snakemake. Default is ().

    Raises
    ------
    UserError
        If there is no such profile, or an option is one that this program sets.
    """
    for word in more:
        option = word.split("=", 1)[0]
        refused = _find_refused(option)
        if refused:
            raise UserError(f"-- {option}: {TAKEN[refused]}")
    if cores is None and profile == "local":
        cores = count_cores()
    if cores is not None and cores < 1:
        raise UserError(f"--cores {cores}: must be at least 1")
    given = str(config)
    return [
        *("--snakefile", str(find_snakefile())),
        *("--configfile", f"./{given}" if given.startswith("-") else given),
        *("--workflow-profile", str(_find_profile(profile))),
        *("--logger", PLUGIN),
        *(("--cores", str(cores)) if cores else ()),
        "--rerun-incomplete",
        *more,
    ]


def _find_refused(option: str) -> str | None:
    """The option of TAKEN that a word stands for: itself, shortened, or with others (`-np`)."""
    if option in TAKEN:
        return option
    if option.startswith("--"):
        return next((each for each in TAKEN if len(option) > 3 and each.startswith(option)), None)
    return option[:2] if option[:2] in TAKEN else None


def _find_profile(given: str) -> Path:
    shipped = list_profiles()
    if given in shipped:
        return find_profile(given)
    path = Path(given)
    found = path.is_file() or (path.is_dir() and any(map(PROFILE.fullmatch, os.listdir(path))))
    if not found:
        raise UserError(
            f"--profile {given}: neither {' nor '.join(shipped)} nor a folder with a profile.yaml"
        )
    return path.absolute()
