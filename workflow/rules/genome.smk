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
    params:
        settings=json.dumps(config["genome"]),
    shell:
        "genometracks genome --settings {params.settings:q}"
        " --fasta {output.fasta:q} --out {output.json:q} 2> {log:q}"
