"""A config, read and checked before Snakemake sees it, and the runs that it asks for."""

from dataclasses import dataclass
from pathlib import Path

from genometracks.config.folders import RunFolder
from genometracks.config.resolve import check_config_files, read_config
from genometracks.graph.runs import Run, is_sheet, read_runs


@dataclass(frozen=True)
class Project:
    """A config and its runs.

    Attributes
    ----------
    config : Path
    runs : dict of str to Run
        Name -> run, in the order of the sheet.
    sheet : bool
        Whether the config names a sheet of runs.
    """

    config: Path
    runs: dict[str, Run]
    sheet: bool

    @property
    def folders(self) -> list[RunFolder]:
        """Folders of the runs."""
        return [run.folder for run in self.runs.values()]

    @property
    def homes(self) -> list[Path]:
        """Folders of the runs, and of the genomes and models that they share, each once."""
        found = [(run.folder.path, run.genome.path, run.model.path) for run in self.runs.values()]
        return list(dict.fromkeys(path for paths in found for path in paths))


def read_project(config: Path) -> Project:
    """Read and check a config, and find the files of its runs, before anything else reads it.

    Snakemake reads a config by a parser that may execute Python in it, and that has no limits.

    Parameters
    ----------
    config : Path

    Raises
    ------
    UserError, ModelError
        As the workflow: for all that is wrong with the config and its files.
    """
    check_config_files([config])
    given = read_config(config)
    return Project(config, read_runs(given), is_sheet(given))
