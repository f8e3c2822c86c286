PLANNED = {
    **{
        key: config["prediction"][key]
        for key in ("batch_size", "precision", "stride", "trim", "edges")
    },
    **{key: config["output"][key] for key in ("tracks", "dtype")},
    **{key: config["genome"][key] for key in ("regions", "blacklist")},
    "shards": config["shards"],
}


rule plan:
    input:
        model=f"{RUN}/work/model.json",
        genome=f"{RUN}/work/genome.json",
        beds=[PLANNED[key] for key in ("regions", "blacklist") if PLANNED[key]],
    output:
        f"{RUN}/work/plan.json",
    log:
        f"{RUN}/logs/plan.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        settings=json.dumps(PLANNED),
    shell:
        "genometracks plan --settings {params.settings:q} --model {input.model:q}"
        " --genome {input.genome:q} --out {output:q} 2> {log:q}"
