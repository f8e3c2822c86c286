from functools import partial


def look_up(table, wildcard, what):
    """Input or parameter: what is known of the run that a wildcard stands for.

    A function, unless it is the same for all: thousands of jobs would call it.
    """

    def get(wildcards):
        return getattr(table[wildcards[wildcard]], what)

    values = [getattr(each, what) for each in table.values()]
    plain = all(value == values[0] for value in values) and "{" not in str(values[0])
    return values[0] if plain else get


of_run = partial(look_up, RUNS, "run")
of_genome = partial(look_up, GENOMES, "genome")
of_model = partial(look_up, MODELS, "model")


def shard_data(wildcards):
    """Input function: the shards' predictions; if the plan decides how many, once it is there."""
    each = RUNS[wildcards.run]
    ids = each.shards
    if ids is None:
        with open(checkpoints.shards.get(run=wildcards.run).output[0]) as file:
            ids = file.read().split()
    return [f"{each.folder}/work/shards/{shard}.npy" for shard in ids]


def name_rule(stage, each):
    """Name of a rule that each run has for itself, for its outputs are named in the config."""
    return stage if len(RUNS) == 1 else f"{stage}_{each.config['run']}"
