for each in MODELS.values():
    for fold in each.fetched:

        rule:
            name:
                name_rule(fold["rule"], each)
            output:
                fold["file"],
            log:
                f"{each.model}/logs/{fold['rule']}.log",
            # A node may have no network: on a cluster this runs where Snakemake does.
            localrule: True
            conda:
                "../../envs/cpu.yaml"
            params:
                settings=fold["settings"],
            shell:
                "genometracks weights --settings {params.settings:q} --out {output:q} 2> {log:q}"


rule model:
    input:
        weights=of_model("weights"),
        beside=of_model("model_files"),
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
        settings=of_model("model_settings"),
    shell:
        "genometracks model --settings {params.settings:q} --weights {input.weights:q}"
        " --out {output:q} 2> {log:q}"
