from functools import partial
from operator import attrgetter


def look_up(table, wildcard, what):
    """Input or parameter: an attribute of the run that a wildcard names, `sources.fasta`.

    A function, unless the value is the same for all runs: it is called for thousands of jobs.
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
    """Input function: the shards' data; where the plan decides their number, once it exists."""
    each = RUNS[wildcards.run]
    ids = each.shards
    if ids is None:
        with open(checkpoints.shards.get(run=wildcards.run).output[0]) as file:
            ids = file.read().split()
    return [each.folder.shards / f"{shard}.npy" for shard in ids]


def name_rule(stage, each):
    """Name of a rule that each run has for itself, because the config decides its outputs."""
    return stage if len(RUNS) == 1 else f"{stage}_{each.config.run}"
