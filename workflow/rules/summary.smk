rule manifest:
    input:
        results=of_run("results.files"),
        seals=of_run("results.seals"),
        plan=RUN.plan,
        merged=RUN.merged,
        observed=of_run("observed_digests"),
    output:
        manifest=RUN.manifest,
        crate=RUN.crate,
        seal=RUN.seals / "manifest.json",
    log:
        RUN.logs / "manifest.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=grow(2_000),
        runtime=grow(120),
    params:
        settings=of_run("settings.config"),
    shell:
        "genometracks manifest --settings {params.settings:q} --plan {input.plan:q}"
        " --seals {input.seals:q} --out {output.manifest:q} --seal {output.seal:q} 2> {log:q}"


rule summary:
    input:
        results=of_run("results.files"),
        plan=RUN.plan,
        manifest=RUN.manifest,
    output:
        summary=RUN.summary,
        seal=RUN.seals / "summary.json",
    log:
        RUN.logs / "summary.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=grow(1_000),
        runtime=grow(10),
    params:
        settings=of_run("settings.evaluation"),
        logs=str(RUN.logs),
    shell:
        "genometracks summary --settings {params.settings:q} --plan {input.plan:q}"
        " --logs {params.logs:q} --out {output.summary:q} --seal {output.seal:q} 2> {log:q}"
