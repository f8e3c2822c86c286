rule observed:
    input:
        plan=RUN.plan,
        files=of_run("sources.observed"),
    output:
        RUN.observed,
    log:
        RUN.logs / "observed.log",
    # Before any prediction, so that a wrong contig name is reported at once.
    priority: 100
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=grow(2_000),
        runtime=grow(60),
    params:
        settings=of_run("settings.evaluation"),
    shell:
        "genometracks observed --settings {params.settings:q} --plan {input.plan:q}"
        " --out {output:q} 2> {log:q}"


for each in RUNS.values():
    if not each.sources.observed:
        continue

    rule:
        name:
            name_rule("evaluate", each)
        input:
            plan=each.folder.plan,
            merged=each.folder.merged,
            observed=each.observed_digests,
        output:
            table=each.folder.evaluation,
            seal=each.folder.seals / "evaluate.json",
            locus=report(
                each.results.locus,
                caption="../report/locus.rst",
                category="Evaluation",
                labels={"run": each.config.run, "figure": "locus", "track": "all"},
            ),
            scatter=report(
                each.results.scatters,
                caption="../report/scatter.rst",
                category="Evaluation",
                labels={"run": each.config.run, "figure": "scatter", "track": "each observed"},
            ),
            curves=report(
                each.results.curves,
                caption="../report/sites.rst",
                category="Evaluation",
                labels={"run": each.config.run, "figure": "sites", "track": "each entry"},
            ),
        log:
            each.folder.logs / "evaluate.log",
        conda:
            "../../envs/cpu.yaml"
        resources:
            mem_mb=grow(4_000),
            runtime=grow(120),
        params:
            settings=each.settings.evaluation,
            figures=subpath(output.table, strip_suffix="evaluation.tsv", with_suffix="figures"),
        shell:
            "genometracks evaluate --settings {params.settings:q} --plan {input.plan:q}"
            " --figures {params.figures:q} --out {output.table:q} --seal {output.seal:q} 2> {log:q}"
