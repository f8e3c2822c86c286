rule predict:
    input:
        plan=f"{RUN}/work/plan.json",
        fasta=f"{RUN}/work/genome.fa",
        index=f"{RUN}/work/genome.fa.fai",
        weights=list_model_files(config),
    output:
        # A shard that is still valid (its digest says so) is kept, not deleted and predicted again.
        data=update(f"{RUN}/work/shards/{{shard}}.npy"),
        sidecar=update(f"{RUN}/work/shards/{{shard}}.json"),
    log:
        f"{RUN}/logs/predict/{{shard}}.log",
    benchmark:
        f"{RUN}/benchmarks/predict/{{shard}}.tsv"
    conda:
        "../../envs/gpu.yaml"
    threads: config["prediction"]["threads"]
    resources:
        mem_mb=grow(8_000),
        runtime=grow(120),
        gpu=count_gpus(config),
    params:
        device=config["prediction"]["device"],
        threads=config["prediction"]["threads"],
    shell:
        "genometracks predict --plan {input.plan:q} --shard {wildcards.shard} --fasta {input.fasta:q}"
        " --device {params.device} --threads {params.threads} 2> {log:q}"
