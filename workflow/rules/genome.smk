for each in GENOMES.values():
    if each.sources.fasta == each.config.genome.fasta:
        continue

    rule:
        name:
            name_rule("download", each)
        output:
            each.sources.fasta,
        log:
            each.genome.path / "logs" / "download.log",
        # Nodes may have no network: on a cluster, this runs on the node of Snakemake.
        localrule: True
        conda:
            "../../envs/cpu.yaml"
        params:
            settings=each.settings.source,
        shell:
            "genometracks download --settings {params.settings:q} --out {output:q} 2> {log:q}"


rule genome:
    input:
        of_genome("sources.fasta"),
    output:
        fasta="{genome}/work/genome.fa",
        index="{genome}/work/genome.fa.fai",
        json="{genome}/work/genome.json",
    log:
        "{genome}/logs/genome.log",
    wildcard_constraints:
        genome="|".join(map(re.escape, GENOMES)),
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=grow(2_000),
        runtime=grow(60),
    params:
        settings=of_genome("settings.genome"),
    shell:
        "genometracks genome --settings {params.settings:q}"
        " --fasta {output.fasta:q} --out {output.json:q} 2> {log:q}"
