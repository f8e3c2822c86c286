"""`genometracks explain` tells what a run then does: the stages, and the shards predicted again."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

import pipeline
from genometracks.config.stages import STAGES
from pipeline import run
from scene import RESULTS, change_a_base, change_a_weight

SHARDS = RESULTS / "work/shards"
AFTER_PLAN = {"shards", "observed", "predict", "merge", "tracks", "bigwig", "parquet", "evaluate"}
AFTER_PLAN |= {"reference", "browse", "manifest", "summary", "report"}


def change(project: Path, key: str, value: object) -> None:
    """Set a key of config.yaml."""
    config = yaml.safe_load((project / "config.yaml").read_text())
    section = config
    *sections, last = key.split(".")
    for name in sections:
        section = section.setdefault(name, {})
    section[last] = value
    (project / "config.yaml").write_text(yaml.safe_dump(config))


def write_regions(project: Path) -> None:
    """Restrict the run to the first half of chrB."""
    (project / "r.bed").write_text("chrB\t0\t1000\n")
    change(project, "genome.regions", "r.bed")


def setting(key: str, value: object):
    """A function that sets a key of a project's config."""
    return lambda project: change(project, key, value)


def explain(project: Path, *words: str, command: str = "explain") -> list[str]:
    """Lines of `genometracks explain`."""
    done = subprocess.run(
        [f"{pipeline.tools}/genometracks", command, "config.yaml", *words],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def list_stages(lines: list[str]) -> set[str]:
    """Stages that an explanation says will run."""
    if "nothing to do" in lines[0]:
        return set()
    named = [line.split()[0] for line in lines[1:] if line.split()[0] in STAGES]
    (after,) = [line for line in lines if line.startswith("  after them: ")] or [""]
    stages = {*named, *re.findall(r"\w+", after.partition(": ")[2])}
    assert lines[0].endswith(f": {len(stages)} stages run again:")
    return stages


def read_times(project: Path) -> dict[str, int]:
    """Stage -> when its last job ended."""
    times: dict[str, int] = {}
    for log in (project / RESULTS / "logs").rglob("*.log"):
        stage = "predict" if log.parent.name == "predict" else log.stem
        times[stage] = max(times.get(stage, 0), log.stat().st_mtime_ns)
    return times


def link_shards(project: Path) -> dict[str, int]:
    """Inodes of the shards' data, each kept in use so that no new file gets its number."""
    kept = project.parent / f"kept{len(list(project.parent.glob('kept*')))}"
    kept.mkdir()
    for path in (project / SHARDS).glob("*.npy"):
        os.link(path, kept / path.name)
    return list_inodes(project)


def list_inodes(project: Path) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in (project / SHARDS).glob("*.npy")}


CASES = {
    "trim": (setting("prediction.trim", 2), "plan      prediction.trim: 0 -> 2", AFTER_PLAN),
    "precision": (
        setting("prediction.precision", "bf16"),
        "plan      prediction.precision: 'fp32' -> 'bf16'",
        AFTER_PLAN,
    ),
    "dtype": (
        setting("output.dtype", "float16"),
        "plan      output.dtype: 'float32' -> 'float16'",
        AFTER_PLAN,
    ),
    "tracks": (
        setting("output.tracks", ["one", "three"]),
        "plan      output.tracks: ['*'] -> ['one', 'three']",
        AFTER_PLAN,
    ),
    "contigs": (
        setting("genome.contigs", ["chrA"]),
        "genome    genome.contigs: ['*'] -> ['chrA']",
        AFTER_PLAN | {"genome", "plan"},
    ),
    "regions": (write_regions, "plan      genome.regions: not set -> 'r.bed'", AFTER_PLAN),
    "shards": (setting("shards", 2), "plan      shards: 3 -> 2", AFTER_PLAN),
    "observed": (
        setting("evaluation.observed", [{"track": "two/../etc", "bigwig": "o.bw"}]),
        "observed  evaluation.observed[0].track: 'one' -> 'two/../etc'",
        {"observed", "reference", "evaluate", "browse", "manifest", "summary", "report"},
    ),
    "width": (
        setting("evaluation.locus_width", 1000),
        "observed  evaluation.locus_width: 50000 -> 1000",
        {"observed", "reference", "evaluate", "browse", "manifest", "summary", "report"},
    ),
    "threads": (
        setting("prediction.threads", 2),
        "manifest  prediction.threads: 1 -> 2",
        {"manifest", "summary", "report"},
    ),
    "device": (
        setting("prediction.device", "auto"),
        "predict   prediction.device: 'cpu' -> 'auto'; 0 of 3 shards are predicted again",
        {
            "predict",
            "merge",
            "bigwig",
            "parquet",
            "evaluate",
            "browse",
            "manifest",
            "summary",
            "report",
        },
    ),
    "touched weights": (
        lambda project: (project / "m.safetensors").touch(),
        "nothing to do: it is complete",
        set(),
    ),
    "changed weights": (
        change_a_weight,
        "model     m.safetensors: its content changed",
        AFTER_PLAN | {"model", "plan"},
    ),
    "touched FASTA": (
        lambda project: (project / "g.fa").touch(),
        "nothing to do: it is complete",
        set(),
    ),
    "changed FASTA": (
        change_a_base,
        "genome    g.fa: its content changed",
        AFTER_PLAN | {"genome", "plan"},
    ),
    "deleted bigWig": (
        lambda project: (project / RESULTS / "bigwig/one.bw").unlink(),
        "bigwig    results/storm/bigwig/one.bw missing",
        {"bigwig", "browse", "manifest", "summary", "report"},
    ),
    "deleted shard": (
        lambda project: (project / SHARDS / "1.npy").unlink(),
        "1 of 3 shards in work/shards missing or damaged, and not needed: all results exist",
        set(),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_an_explanation_is_what_the_run_then_does(finished, case):
    alter, text, stages = CASES[case]
    alter(finished)
    lines = explain(finished)
    assert any(text in line for line in lines), lines
    expected = stages | ({"plan"} if AFTER_PLAN <= stages else set())
    assert list_stages(lines) == expected
    times, inodes = read_times(finished), link_shards(finished)
    run(finished)
    now = read_times(finished)
    assert {stage for stage in now if now[stage] != times.get(stage)} == expected
    after = list_inodes(finished)
    again = sum(after[name] != inodes.get(name) for name in after)
    (line,) = [line for line in lines if line.startswith("  predict ")] or [""]
    told = re.search(r"(\d+) of (\d+) shards are predicted", line)
    if told:
        assert (int(told[1]), int(told[2])) == (
            again,
            int((finished / RESULTS / "work/shards.txt").read_text().count("\n")),
        )
    else:
        assert again == 0 or "is known once" in line
    lines = explain(finished)
    assert lines[0] == "results/storm: nothing to do: it is complete", lines
    assert "Nothing to be done" in run(finished)


def test_a_touched_file_that_is_read_again_repeats_no_prediction(finished):
    for name in ("g.fa", "m.safetensors"):
        (finished / name).touch()
    options = ("-n", "--", "--max-checksum-file-size", "0")
    lines = explain(finished, *options, command="run")
    assert "  genome    g.fa: touched, with the same content" in lines
    assert "  model     m.safetensors: touched, with the same content" in lines
    (line,) = [line for line in lines if line.startswith("  predict ")]
    assert line.endswith("0 of 3 shards are predicted again: all files are still valid")
    before = link_shards(finished)
    run(finished, "--max-checksum-file-size", "0")
    assert list_inodes(finished) == before


def test_new_and_dropped_tracks_are_named(finished):
    change(finished, "output.tracks", ["one"])
    change(finished, "output.aggregate", {"by": "assay"})
    lines = explain(finished)
    assert lines[-2:] == ["  tracks new: ChIP", "  tracks dropped: one, two_.._etc, three"]


def test_a_run_that_was_never_started_is_explained(finished):
    change(finished, "run", "other")
    (line,) = explain(finished)
    assert line.startswith("results/other: not planned yet: 16 stages run: model, genome, plan, ")


def test_an_unfinished_run_is_compared_with_its_plan(finished):
    run(finished, "--delete-all-output")
    run(finished, "--until", "merge")
    change(finished, "prediction.trim", 2)
    lines = explain(finished)
    assert "  plan      prediction.trim: 0 -> 2" in lines
    change(finished, "prediction.trim", 0)
    assert list_stages(explain(finished)) == AFTER_PLAN - {"shards", "predict", "merge"}
