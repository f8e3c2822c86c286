rule download:
    output:
        "{genome}/work/source/{file}",
    log:
        "{genome}/logs/download/{file}.log",
    wildcard_constraints:
        genome="|".join(map(re.escape, GENOMES)),
        file="[^/]+",
    conda:
        "../../envs/cpu.yaml"
    params:
        settings=of_genome("source_settings"),
    shell:
        "genometracks download --settings {params.settings:q} --out {output:q} 2> {log:q}"


rule genome:
    input:
        of_genome("fasta"),
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
        settings=of_genome("genome_settings"),
    shell:
        "genometracks genome --settings {params.settings:q}"
        " --fasta {output.fasta:q} --out {output.json:q} 2> {log:q}"
