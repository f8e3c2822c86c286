rule probe:
    input:
        model=of_run("model.json"),
        genome=of_run("genome.json"),
        fasta=of_run("genome.bases"),
    output:
        # Not deleted before the job: the probe is reused if its inputs did not change.
        update(RUN.probe),
    log:
        RUN.logs / "probe.log",
    conda:
        "../../envs/gpu.yaml"
    threads: of_run("config.prediction.threads")
    resources:
        mem_mb=grow(8_000),
        runtime=grow(60),
        gpu=of_run("gpus"),
    params:
        settings=of_run("settings.forward"),
        # A word, by the schema. Its use stays unquoted: another command repeats finished jobs.
        device=of_run("device"),
    shell:
        "genometracks probe --settings {params.settings:q} --model {input.model:q}"
        " --genome {input.genome:q} --fasta {input.fasta:q} --device {params.device}"
        " --threads {threads} --out {output:q} 2> {log:q}"


rule plan:
    input:
        model=of_run("model.json"),
        genome=of_run("genome.json"),
        beds=of_run("sources.beds"),
        probe=of_run("probe"),
    output:
        RUN.plan,
    log:
        RUN.logs / "plan.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=grow(2_000),
        runtime=grow(30),
    params:
        settings=of_run("settings.plan"),
        # Quoted where it is made, because it may be empty.
        probe=of_run("probe_option"),
    shell:
        "genometracks plan --settings {params.settings:q} --model {input.model:q}"
        " --genome {input.genome:q} {params.probe} --out {output:q} 2> {log:q}"


checkpoint shards:
    input:
        RUN.plan,
    output:
        RUN.shard_list,
    log:
        RUN.logs / "shards.log",
    conda:
        "../../envs/cpu.yaml"
    shell:
        "genometracks shards --plan {input:q} --out {output:q} 2> {log:q}"
