rule tracks:
    input:
        plan=f"{RUN}/work/plan.json",
    output:
        f"{RUN}/tracks.tsv",
    log:
        f"{RUN}/logs/tracks.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=grow(1_000),
        runtime=grow(10),
    params:
        settings=json.dumps({"bigwig": config["output"]["bigwig"]}),
    shell:
        "genometracks tracks --settings {params.settings:q} --plan {input.plan:q}"
        " --out {output:q} 2> {log:q}"


rule bigwig:
    input:
        plan=f"{RUN}/work/plan.json",
        merged=f"{RUN}/work/merge.json",
        data=expand(f"{RUN}/work/shards/{{shard}}.npy", shard=SHARDS),
    output:
        expand(f"{RUN}/bigwig/{{track}}.bw", track=TRACKS),
    log:
        f"{RUN}/logs/bigwig.log",
    conda:
        "../../envs/cpu.yaml"
    threads: config["output"]["threads"]
    resources:
        mem_mb=grow(4_000),
        runtime=grow(240),
    shell:
        "genometracks bigwig --plan {input.plan:q} --threads {threads} 2> {log:q}"


rule parquet:
    input:
        plan=f"{RUN}/work/plan.json",
        merged=f"{RUN}/work/merge.json",
        data=expand(f"{RUN}/work/shards/{{shard}}.npy", shard=SHARDS),
    output:
        directory(f"{RUN}/parquet"),
    log:
        f"{RUN}/logs/parquet.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=grow(4_000),
        runtime=grow(240),
    shell:
        "genometracks parquet --plan {input.plan:q}" " --out {output:q} 2> {log:q}"
