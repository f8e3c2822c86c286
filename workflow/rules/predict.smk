rule predict:
    input:
        plan=RUN.plan,
        fasta=of_run("genome.bases"),
        weights=of_run("sources.weights"),
    output:
        # Not deleted before the job: a shard that is still valid, by its digest, is kept.
        data=update(RUN.shards / "{shard}.npy"),
        sidecar=update(RUN.shards / "{shard}.json"),
    log:
        RUN.predict_logs / "{shard}.log",
    conda:
        "../../envs/gpu.yaml"
    threads: of_run("config.prediction.threads")
    resources:
        mem_mb=grow(8_000),
        runtime=grow(120),
        gpu=of_run("gpus"),
    params:
        # A word, by the schema. Its use stays unquoted: another command repeats finished jobs.
        device=of_run("device"),
    shell:
        "genometracks predict --plan {input.plan:q} --shard {wildcards.shard} --fasta {input.fasta:q}"
        " --device {params.device} --threads {threads} 2> {log:q}"
