rule predict:
    input:
        plan=f"{RUN}/work/plan.json",
        fasta=of_run("bases"),
        weights=of_run("weights"),
    output:
        # A shard that is still valid (its digest says so) is kept, not deleted and predicted again.
        data=update(f"{RUN}/work/shards/{{shard}}.npy"),
        sidecar=update(f"{RUN}/work/shards/{{shard}}.json"),
    log:
        f"{RUN}/logs/predict/{{shard}}.log",
    conda:
        "../../envs/gpu.yaml"
    threads: of_run("threads")
    resources:
        mem_mb=grow(8_000),
        runtime=grow(120),
        gpu=of_run("gpus"),
    params:
        device=of_run("device"),
    shell:
        "genometracks predict --plan {input.plan:q} --shard {wildcards.shard} --fasta {input.fasta:q}"
        " --device {params.device} --threads {threads} 2> {log:q}"
