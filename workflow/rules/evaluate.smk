rule observed:
    input:
        plan=f"{RUN}/work/plan.json",
        bigwigs=of_run("observed"),
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
        settings=of_run("evaluation_settings"),
    shell:
        "genometracks observed --settings {params.settings:q} --plan {input.plan:q}"
        " --out {output:q} 2> {log:q}"


for each in RUNS.values():
    if not each.observed:
        continue

    rule:
        name:
            name_rule("evaluate", each)
        input:
            plan=f"{each.folder}/work/plan.json",
            merged=f"{each.folder}/work/merge.json",
            observed=each.observed_digests,
        output:
            table=f"{each.folder}/evaluation.tsv",
            locus=report(
                f"{each.folder}/figures/locus.png",
                caption="../report/locus.rst",
                category="Evaluation",
                labels={"run": each.config["run"], "figure": "locus", "track": "all"},
            ),
            scatter=report(
                each.scatters,
                caption="../report/scatter.rst",
                category="Evaluation",
                labels={"run": each.config["run"], "figure": "scatter", "track": "each observed"},
            ),
        log:
            f"{each.folder}/logs/evaluate.log",
        conda:
            "../../envs/cpu.yaml"
        resources:
            mem_mb=grow(4_000),
            runtime=grow(120),
        params:
            settings=each.evaluation_settings,
            figures=subpath(output.locus, parent=True),
        shell:
            "genometracks evaluate --settings {params.settings:q} --plan {input.plan:q}"
            " --figures {params.figures:q} --out {output.table:q} 2> {log:q}"
