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
        settings=of_run("track_settings"),
    shell:
        "genometracks tracks --settings {params.settings:q} --plan {input.plan:q}"
        " --out {output:q} 2> {log:q}"


for each in RUNS.values():
    for job in each.bigwig_jobs:

        rule:
            name:
                name_rule(job["rule"], each)
            input:
                plan=f"{each.folder}/work/plan.json",
                merged=f"{each.folder}/work/merge.json",
            output:
                job["files"],
            log:
                f"{each.folder}/logs/{job['rule']}.log",
            conda:
                "../../envs/cpu.yaml"
            threads: each.processes
            resources:
                mem_mb=grow(4_000),
                runtime=grow(240),
            params:
                rows=job["rows"],
            shell:
                "genometracks bigwig --plan {input.plan:q} --rows {params.rows}"
                " --threads {threads} 2> {log:q}"


rule parquet:
    input:
        plan=f"{RUN}/work/plan.json",
        merged=f"{RUN}/work/merge.json",
    output:
        directory(f"{RUN}/parquet"),
    log:
        f"{RUN}/logs/parquet.log",
    conda:
        "../../envs/cpu.yaml"
    threads: of_run("parquet_processes")
    resources:
        mem_mb=grow(4_000),
        runtime=grow(240),
    shell:
        "genometracks parquet --plan {input.plan:q} --threads {threads} --out {output:q} 2> {log:q}"
