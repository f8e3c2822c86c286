from functools import partial
from operator import attrgetter


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
    """Input function: data of all shards. If their number is left at `auto`, it needs the plan."""
    each = RUNS[wildcards.run]
    ids = each.shards
    if ids is None:
        with open(checkpoints.shards.get(run=wildcards.run).output[0]) as file:
            ids = file.read().split()
    return [each.folder.shards / f"{shard}.npy" for shard in ids]


def name_rule(stage, each):
    """Name of a rule that is made for each run, because the config determines its outputs."""
    return stage if len(RUNS) == 1 else f"{stage}_{each.config.run}"
