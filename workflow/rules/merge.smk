rule merge:
    input:
        plan=f"{RUN}/work/plan.json",
        data=shard_data,
    output:
        f"{RUN}/work/merge.json",
    log:
        f"{RUN}/logs/merge.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=grow(2_000),
        runtime=grow(60),
    shell:
        "genometracks merge --plan {input.plan:q} --out {output:q} 2> {log:q}"
