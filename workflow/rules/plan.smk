ASKED = choose_forward_settings(config)
PLANNED = choose_plan_settings(config)
# What is left to be found out, on the device that predicts.
PROBE = [f"{RUN}/work/probe.json"] if "auto" in ASKED.values() else []


rule probe:
    input:
        model=f"{RUN}/work/model.json",
        genome=f"{RUN}/work/genome.json",
        fasta=f"{RUN}/work/genome.fa",
        index=f"{RUN}/work/genome.fa.fai",
    output:
        # What was found out once stays, as long as the same is asked.
        update(f"{RUN}/work/probe.json"),
    log:
        f"{RUN}/logs/probe.log",
    conda:
        "../../envs/gpu.yaml"
    threads: config["prediction"]["threads"]
    resources:
        mem_mb=grow(8_000),
        runtime=grow(60),
        gpu=count_gpus(config),
    params:
        settings=json.dumps(ASKED),
        device=config["prediction"]["device"],
        threads=config["prediction"]["threads"],
    shell:
        "genometracks probe --settings {params.settings:q} --model {input.model:q}"
        " --genome {input.genome:q} --fasta {input.fasta:q} --device {params.device}"
        " --threads {params.threads} --out {output:q} 2> {log:q}"


rule plan:
    input:
        model=f"{RUN}/work/model.json",
        genome=f"{RUN}/work/genome.json",
        beds=[PLANNED[key] for key in ("regions", "blacklist") if PLANNED[key]],
        probe=PROBE,
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
        settings=json.dumps(PLANNED),
        probe=f"--probe {shlex.quote(PROBE[0])}" if PROBE else "",
    shell:
        "genometracks plan --settings {params.settings:q} --model {input.model:q}"
        " --genome {input.genome:q} {params.probe} --out {output:q} 2> {log:q}"
