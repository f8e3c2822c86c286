rule tracks:
    input:
        plan=RUN.plan,
    output:
        table=RUN.tracks,
        seal=RUN.seals / "tracks.json",
    log:
        RUN.logs / "tracks.log",
    # Before any prediction, so that a contig that no bigWig can hold is reported at once.
    priority: 100
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=grow(1_000),
        runtime=grow(10),
    params:
        settings=of_run("settings.tracks"),
    shell:
        "genometracks tracks --settings {params.settings:q} --plan {input.plan:q}"
        " --out {output.table:q} --seal {output.seal:q} 2> {log:q}"


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
                seal=job.seal,
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
                "genometracks bigwig --plan {input.plan:q} --rows {params.rows:q}"
                " --threads {threads} --seal {output.seal:q} 2> {log:q}"


rule parquet:
    input:
        plan=RUN.plan,
        merged=RUN.merged,
    output:
        folder=directory(RUN.parquet),
        seal=RUN.seals / "parquet.json",
    log:
        RUN.logs / "parquet.log",
    conda:
        "../../envs/cpu.yaml"
    threads: of_run("results.parquet_processes")
    resources:
        mem_mb=grow(4_000),
        runtime=grow(240),
    shell:
        "genometracks parquet --plan {input.plan:q} --threads {threads} --out {output.folder:q}"
        " --seal {output.seal:q} 2> {log:q}"
