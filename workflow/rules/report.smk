rule report:
    input:
        results=of_run("results.files"),
        plan=RUN.plan,
        model=of_run("model.json"),
        manifest=RUN.manifest,
        summary=RUN.summary,
    output:
        report=RUN.report,
        seal=RUN.seals / "report.json",
    log:
        RUN.logs / "report.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=grow(2_000),
        runtime=grow(30),
    params:
        settings=of_run("settings.evaluation"),
        logs=str(RUN.logs),
    shell:
        "genometracks report --settings {params.settings:q} --plan {input.plan:q}"
        " --model {input.model:q} --logs {params.logs:q} --out {output.report:q}"
        " --seal {output.seal:q} 2> {log:q}"


rule compare:
    input:
        expand(RUN.report, run=RUNS),
    output:
        ABOVE / REPORT,
    log:
        ABOVE / COMPARE_LOG,
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=grow(1_000),
        runtime=grow(10),
    shell:
        "genometracks compare --runs {input:q} --out {output:q} 2> {log:q}"
