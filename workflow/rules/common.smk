from functools import partial
from operator import attrgetter

from snakemake.exceptions import IncompleteCheckpointException


def look_up(table, wildcard, what):
    """Input or parameter of a rule: an attribute (`sources.fasta`) of the run of a wildcard.

    A function, or the value itself if all runs have the same: functions are called for every job.
    """
    read = attrgetter(what)

    def get(wildcards):
        return read(table[wildcards[wildcard]])

    values = [read(each) for each in table.values()]
    plain = all(value == values[0] for value in values) and "{" not in str(values[0])
    return values[0] if plain else get


of_run = partial(look_up, RUNS, "run")
of_genome = partial(look_up, GENOMES, "genome")
of_model = partial(look_up, MODELS, "model")


def shard_data(wildcards):
    """Input function: data of all shards, which are known once the plan exists.

    Until then, a dry run lists the shards that the config allows at most.
    """
    each = RUNS[wildcards.run]
    later = []
    try:
        with open(checkpoints.shards.get(run=wildcards.run).output[0]) as file:
            ids = file.read().split()
    except IncompleteCheckpointException as error:
        if not workflow.dryrun:
            raise
        ids, later = each.possible_shards, [error.targetfile]
    return [each.folder.shards / f"{shard}.npy" for shard in ids] + later


def name_rule(stage, each):
    """Name of a rule that is made for each run, because the config determines its outputs."""
    return stage if len(RUNS) == 1 else f"{stage}_{each.config.run}"
