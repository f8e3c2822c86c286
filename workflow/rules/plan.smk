rule probe:
    input:
        model=of_run("model_json"),
        genome=of_run("genome_json"),
        fasta=of_run("bases"),
    output:
        # What was found out once stays, as long as the same is asked.
        update(f"{RUN}/work/probe.json"),
    log:
        f"{RUN}/logs/probe.log",
    conda:
        "../../envs/gpu.yaml"
    threads: of_run("threads")
    resources:
        mem_mb=grow(8_000),
        runtime=grow(60),
        gpu=of_run("gpus"),
    params:
        settings=of_run("forward_settings"),
        device=of_run("device"),
    shell:
        "genometracks probe --settings {params.settings:q} --model {input.model:q}"
        " --genome {input.genome:q} --fasta {input.fasta:q} --device {params.device}"
        " --threads {threads} --out {output:q} 2> {log:q}"


rule plan:
    input:
        model=of_run("model_json"),
        genome=of_run("genome_json"),
        beds=of_run("beds"),
        probe=of_run("probe"),
    output:
        f"{RUN}/work/plan.json",
    log:
        f"{RUN}/logs/plan.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=grow(2_000),
        runtime=grow(30),
    params:
        settings=of_run("plan_settings"),
        probe=of_run("probe_option"),
    shell:
        "genometracks plan --settings {params.settings:q} --model {input.model:q}"
        " --genome {input.genome:q} {params.probe} --out {output:q} 2> {log:q}"


checkpoint shards:
    input:
        f"{RUN}/work/plan.json",
    output:
        f"{RUN}/work/shards.txt",
    log:
        f"{RUN}/logs/shards.log",
    conda:
        "../../envs/cpu.yaml"
    shell:
        "genometracks shards --plan {input:q} --out {output:q} 2> {log:q}"
