rule observed:
    input:
        plan=f"{RUN}/work/plan.json",
        bigwigs=[entry["bigwig"] for entry in OBSERVED],
    output:
        f"{RUN}/work/observed.json",
    log:
        f"{RUN}/logs/observed.log",
    # Before any prediction: a wrong contig name must not cost a night.
    priority: 100
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=grow(2_000),
        runtime=grow(60),
    params:
        settings=json.dumps(config["evaluation"]),
    shell:
        "genometracks observed --settings {params.settings:q} --plan {input.plan:q}"
        " --out {output:q} 2> {log:q}"


rule evaluate:
    input:
        plan=f"{RUN}/work/plan.json",
        merged=f"{RUN}/work/merge.json",
        observed=f"{RUN}/work/observed.json",
        data=expand(f"{RUN}/work/shards/{{shard}}.npy", shard=SHARDS),
    output:
        table=f"{RUN}/evaluation.tsv",
        locus=report(
            f"{RUN}/figures/locus.png",
            caption="../report/locus.rst",
            category="Evaluation",
            labels={"figure": "locus", "track": "all"},
        ),
        scatter=report(
            SCATTERS,
            caption="../report/scatter.rst",
            category="Evaluation",
            labels={"figure": "scatter", "track": "each observed"},
        ),
    log:
        f"{RUN}/logs/evaluate.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=grow(4_000),
        runtime=grow(120),
    params:
        settings=json.dumps(config["evaluation"]),
        figures=subpath(output.locus, parent=True),
    shell:
        "genometracks evaluate --settings {params.settings:q} --plan {input.plan:q}"
        " --figures {params.figures:q} --out {output.table:q} 2> {log:q}"
