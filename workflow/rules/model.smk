rule model:
    input:
        list_model_files(config),
    output:
        f"{RUN}/work/model.json",
    log:
        f"{RUN}/logs/model.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=grow(4_000),
        runtime=grow(30),
    params:
        settings=json.dumps(config["model"]),
    shell:
        "genometracks model --settings {params.settings:q} --out {output:q} 2> {log:q}"
