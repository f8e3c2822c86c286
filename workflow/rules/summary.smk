rule manifest:
    input:
        results=of_run("results"),
        plan=f"{RUN}/work/plan.json",
        merged=f"{RUN}/work/merge.json",
        observed=of_run("observed_digests"),
    output:
        f"{RUN}/manifest.json",
    log:
        f"{RUN}/logs/manifest.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=grow(2_000),
        runtime=grow(120),
    params:
        settings=of_run("settings"),
    shell:
        "genometracks manifest --settings {params.settings:q} --plan {input.plan:q}"
        " --out {output:q} 2> {log:q}"


rule summary:
    input:
        results=of_run("results"),
        plan=f"{RUN}/work/plan.json",
        manifest=f"{RUN}/manifest.json",
    output:
        f"{RUN}/summary.txt",
    log:
        f"{RUN}/logs/summary.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=grow(1_000),
        runtime=grow(10),
    params:
        settings=of_run("evaluation_settings"),
        logs=f"{RUN}/logs",
    shell:
        "genometracks summary --settings {params.settings:q} --plan {input.plan:q}"
        " --logs {params.logs:q} --out {output:q} 2> {log:q}"
