rule genome:
    input:
        config["genome"]["fasta"],
    output:
        fasta=f"{RUN}/work/genome.fa",
        index=f"{RUN}/work/genome.fa.fai",
        json=f"{RUN}/work/genome.json",
    log:
        f"{RUN}/logs/genome.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=grow(2_000),
        runtime=grow(60),
    params:
        # What is predicted of the genome is the plan's affair, and repeats no scan.
        settings=json.dumps({key: config["genome"][key] for key in ("fasta", "name", "contigs")}),
    shell:
        "genometracks genome --settings {params.settings:q}"
        " --fasta {output.fasta:q} --out {output.json:q} 2> {log:q}"
