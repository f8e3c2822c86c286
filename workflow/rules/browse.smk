rule reference:
    input:
        plan=RUN.plan,
        beds=of_run("sources.beds"),
        observed=of_run("sources.observed"),
        # What is wrong with them is reported once, by the job that checks them.
        checked=of_run("observed_digests"),
        shown=of_run("sources.shown"),
    output:
        folder=directory(RUN.reference),
        seal=RUN.seals / "reference.json",
    log:
        RUN.logs / "reference.log",
    # Before any prediction, so that a wrong annotation is reported at once.
    priority: 100
    # Where nothing is converted, the lengths of the contigs alone are written.
    localrule: not any(each.sources.observed or each.sources.shown for each in RUNS.values())
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=grow(4_000),
        runtime=grow(60),
    params:
        settings=of_run("settings.browse"),
    shell:
        "genometracks reference --settings {params.settings:q} --plan {input.plan:q}"
        " --seal {output.seal:q} 2> {log:q}"


rule browse:
    input:
        plan=RUN.plan,
        bigwigs=of_run("results.browsed"),
        fasta=of_run("genome.bases"),
        index=of_run("genome.index"),
        reference=RUN.reference,
    output:
        hub=directory(RUN.hub),
        page=directory(RUN.page),
        seal=RUN.seals / "browse.json",
    log:
        RUN.logs / "browse.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=grow(4_000),
        runtime=grow(120),
    params:
        settings=of_run("settings.browse"),
    shell:
        "genometracks browse --settings {params.settings:q} --plan {input.plan:q}"
        " --fasta {input.fasta:q} --seal {output.seal:q} 2> {log:q}"


# The page of all runs of a sheet that have one.
if PAGED:

    rule sheet_page:
        input:
            [each.folder.seals / "browse.json" for each in PAGED],
        output:
            directory(ABOVE / PAGE),
        log:
            ABOVE / PAGE_LOG,
        localrule: True
        conda:
            "../../envs/cpu.yaml"
        resources:
            mem_mb=grow(2_000),
            runtime=grow(60),
        params:
            runs=[str(each.folder.path) for each in PAGED],
        shell:
            "genometracks sheet-page --runs {params.runs:q} --out {output:q} 2> {log:q}"
