for each in MODELS.values():
    for job in each.sources.fetched:

        rule:
            name:
                name_rule(job.rule, each)
            output:
                job.file,
            log:
                each.model.path / "logs" / f"{job.rule}.log",
            # Nodes may have no network: on a cluster, this runs on the node of Snakemake.
            localrule: True
            conda:
                "../../envs/cpu.yaml"
            params:
                settings=job.settings,
            shell:
                "genometracks weights --settings {params.settings:q} --out {output:q} 2> {log:q}"


rule model:
    input:
        weights=of_model("sources.weights"),
        beside=of_model("sources.model_files"),
    output:
        "{model}/work/model.json",
    log:
        "{model}/logs/model.log",
    wildcard_constraints:
        model="|".join(map(re.escape, MODELS)),
    conda:
        "../../envs/gpu.yaml"
    resources:
        mem_mb=grow(4_000),
        runtime=grow(30),
    params:
        settings=of_model("settings.model"),
    shell:
        "genometracks model --settings {params.settings:q} --weights {input.weights:q}"
        " --out {output:q} 2> {log:q}"
