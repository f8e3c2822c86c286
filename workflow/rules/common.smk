from functools import partial


def look_up(table, wildcard, what):
    """Input function or parameter: what is known of the run that a wildcard stands for."""

    def get(wildcards):
        return getattr(table[wildcards[wildcard]], what)

    return get


of_run = partial(look_up, RUNS, "run")
of_genome = partial(look_up, GENOMES, "genome")
of_model = partial(look_up, MODELS, "model")


def genome_file(name):
    """Input function: a file of the prepared genome of the wildcards' run."""

    def get(wildcards):
        return f"{RUNS[wildcards.run].genome}/work/{name}"

    return get


def model_file(wildcards):
    """Input function: the description of the model of the wildcards' run."""
    return f"{RUNS[wildcards.run].model}/work/model.json"


def list_shards(run, suffix):
    """Files of a run's shards; if the plan decides how many there are, once it is there."""
    ids = run.shards
    if ids is None:
        with open(checkpoints.shards.get(run=run.config["run"]).output[0]) as file:
            ids = file.read().split()
    return [f"{run.folder}/work/shards/{shard}{suffix}" for shard in ids]


def shard_data(wildcards):
    """Input function: the shards' predictions."""
    return list_shards(RUNS[wildcards.run], ".npy")


def shard_sidecars(wildcards):
    """Input function: what stands beside them."""
    return list_shards(RUNS[wildcards.run], ".json")


def shard_data_of(run):
    """Input function for a rule of one run: the shards' predictions."""

    def get(wildcards):
        return list_shards(run, ".npy")

    return get


def name_rule(stage, run):
    """Name of a rule that each run has for itself, for its outputs are named in the config."""
    return stage if len(RUNS) == 1 else f"{stage}_{run.config['run']}"
