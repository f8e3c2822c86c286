"""Addresses with secrets reach the job that downloads them through the environment.

Snakemake prints the parameters and commands of jobs, and stores them in `.snakemake/metadata`.
"""

import hashlib
import os
from collections.abc import Iterable
from urllib.parse import urlsplit

from genometracks.config.sections import Config, GenomeConfig
from genometracks.config.settings import Source
from grelu_models.secrets import mask


def hide_address(genome: GenomeConfig) -> Source:
    """Settings of a download, in which the variable of the environment replaces the secrets.

    The name of the variable contains a digest of the address without its user part, so that the
    download is repeated if the query changes.

    Examples
    --------
    >>> hidden = hide_address(GenomeConfig("https://me:pw@lab.org/hg38.fa"))
    >>> hidden.fasta, hidden.variable
    ('https://***@lab.org/hg38.fa', 'GENOMETRACKS_ADDRESS_540c58cce45c4254')
    """
    hidden = mask(genome.fasta)
    variable = None if hidden == genome.fasta else _name_variable(genome.fasta)
    return Source(hidden, genome.sha256, variable)


def export_addresses(configs: Iterable[Config]) -> None:
    """Put the addresses that have secrets into the environment, which jobs on this node inherit."""
    for config in configs:
        variable = hide_address(config.genome).variable
        if variable:
            os.environ[variable] = config.genome.fasta


def _name_variable(address: str) -> str:
    parts = urlsplit(address)
    public = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return f"GENOMETRACKS_ADDRESS_{hashlib.sha256(public.encode()).hexdigest()[:16]}"
