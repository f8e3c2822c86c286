rule merge:
    input:
        plan=RUN.plan,
        data=shard_data,
    output:
        RUN.merged,
    log:
        RUN.logs / "merge.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=grow(2_000),
        runtime=grow(60),
    shell:
        "genometracks merge --plan {input.plan:q} --out {output:q} 2> {log:q}"
