rule tracks:
    input:
        plan=RUN.plan,
    output:
        RUN.tracks,
    log:
        RUN.logs / "tracks.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=grow(1_000),
        runtime=grow(10),
    params:
        settings=of_run("settings.tracks"),
    shell:
        "genometracks tracks --settings {params.settings:q} --plan {input.plan:q}"
        " --out {output:q} 2> {log:q}"


for each in RUNS.values():
    for job in each.results.bigwigs:

        rule:
            name:
                name_rule(job.rule, each)
            input:
                plan=each.folder.plan,
                merged=each.folder.merged,
            output:
                job.files,
            log:
                each.folder.logs / f"{job.rule}.log",
            conda:
                "../../envs/cpu.yaml"
            threads: each.config.output.threads
            resources:
                mem_mb=grow(4_000),
                runtime=grow(240),
            params:
                rows=job.rows,
            shell:
                "genometracks bigwig --plan {input.plan:q} --rows {params.rows}"
                " --threads {threads} 2> {log:q}"


rule parquet:
    input:
        plan=RUN.plan,
        merged=RUN.merged,
    output:
        directory(RUN.parquet),
    log:
        RUN.logs / "parquet.log",
    conda:
        "../../envs/cpu.yaml"
    threads: of_run("results.parquet_processes")
    resources:
        mem_mb=grow(4_000),
        runtime=grow(240),
    shell:
        "genometracks parquet --plan {input.plan:q} --threads {threads} --out {output:q} 2> {log:q}"
