PLANNED = {
    **{key: config["prediction"][key] for key in ("batch_size", "precision", "stride", "trim")},
    **{key: config["output"][key] for key in ("tracks", "dtype", "bigwig")},
    "shards": config["shards"],
}


rule plan:
    input:
        model=f"{RUN}/work/model.json",
        genome=f"{RUN}/work/genome.json",
    output:
        plan=f"{RUN}/work/plan.json",
        tracks=f"{RUN}/tracks.tsv",
    log:
        f"{RUN}/logs/plan.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        settings=json.dumps(PLANNED),
    shell:
        "genometracks plan --settings {params.settings:q} --model {input.model:q}"
        " --genome {input.genome:q} --tracks {output.tracks:q} --out {output.plan:q} 2> {log:q}"
