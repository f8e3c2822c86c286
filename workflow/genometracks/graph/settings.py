"""Settings of a run's jobs, as JSON for their command lines.

Snakemake repeats a job if its parameters change, so each string contains exactly the settings that
determine the job's output.
"""

import json
from dataclasses import dataclass

from genometracks.common.records import format_record
from genometracks.common.secrets import mask_plain
from genometracks.config.sections import Config
from genometracks.config.settings import (
    TrackSettings,
    choose_browse_settings,
    choose_scan_settings,
    select_forward,
    select_plan,
)
from genometracks.graph.secret_addresses import hide_address


@dataclass(frozen=True)
class JobSettings:
    """JSON for the command lines of a run's jobs, by stage; `config` is the whole config.

    None of them contains a secret: Snakemake prints and stores them.
    """

    source: str
    genome: str
    model: str
    forward: str
    plan: str
    tracks: str
    evaluation: str
    browse: str
    config: str


def write_settings(config: Config, *, fasta: str) -> JobSettings:
    """Write the settings of a run's jobs as JSON.

    Parameters
    ----------
    config : Config
    fasta : str
        The genome's local file, given or downloaded.
    """
    return JobSettings(
        source=format_record(hide_address(config.genome)),
        genome=format_record(choose_scan_settings(config, fasta)),
        model=json.dumps(config.plain["model"]),
        forward=json.dumps(select_forward(config)),
        plan=json.dumps(select_plan(config)),
        tracks=format_record(TrackSettings(config.output.bigwig)),
        evaluation=json.dumps(config.plain["evaluation"]),
        browse=format_record(choose_browse_settings(config)),
        config=json.dumps(mask_plain(config.plain)),
    )
