"""A run of the workflow in a folder, its commands, and the bytes that it must end with.

The commands are those that Snakemake issued for an undisturbed run, in their order.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyBigWig
import yaml

from genometracks.config.folders import RunFolder
from genometracks.export.seals import find_change, load_seals
from toys import random_bases, write_fasta, write_model
from warm import Warm

ROOT = Path(__file__).parents[2]
RESULTS = Path("results/storm")
RECORDER = """#!/bin/sh
{{ printf '%s\\0' "$@"; printf '\\n'; }} >> {calls}
exec {tool} "$@"
"""
CONFIG = {
    "run": "storm",
    "genome": {"fasta": "g.fa"},
    "model": {"weights": "m.safetensors"},
    "prediction": {"batch_size": 4, "precision": "fp32", "device": "cpu"},
    "shards": 3,
    "output": {"threads": 2},
    "evaluation": {"observed": [{"track": "one", "bigwig": "o.bw"}]},
}

Files = dict[str, bytes]


def write_inputs(folder: Path, *, trim: int) -> None:
    """Write config.yaml of a run of three shards, its genome, its model and an observed track."""
    folder.mkdir(parents=True)
    bases = random_bases(2300, seed=0)
    contigs = {"chrB": bases[:1201] + "N" * 300 + bases[1501:], "chrA": random_bases(401, seed=1)}
    write_fasta(folder / "g.fa", contigs)
    write_model(folder, name="m")
    with pyBigWig.open(str(folder / "o.bw"), "w") as out:
        out.addHeader([("chrB", 2300), ("chrA", 401)])
        for name, length in (("chrB", 2300), ("chrA", 401)):
            values = np.random.default_rng(length).random(length).tolist()
            out.addEntries(name, 0, values=values, span=1, step=1)
    config = {**CONFIG, "prediction": {**CONFIG["prediction"], "trim": trim}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def change_a_base(project: Path) -> Path:
    """Change a base of chrA, which only the first shard reads; return the FASTA."""
    fasta = project / "g.fa"
    text = fasta.read_text()
    place = text.index("\n", text.index(">chrA")) + 5
    base = "A" if text[place] != "A" else "C"
    fasta.write_text(text[:place] + base + text[place + 1 :])
    return fasta


def change_a_weight(project: Path) -> Path:
    """Change the last weight; return the file."""
    weights = project / "m.safetensors"
    data = bytearray(weights.read_bytes())
    data[-3] ^= 0x40
    weights.write_bytes(data)
    return weights


def read_files(folder: Path) -> Files:
    """Read every file of a run under its final name, except logs and progress files."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.name == ".snakemake_timestamp" or any(p.endswith(".part") for p in path.parts):
            continue
        if path.is_file() and not name.startswith(("logs/", "work/progress/")):
            found[name] = path.read_bytes()
    for name in [name for name in found if name.startswith("work/seals/")]:
        found[name] = _read_seals(found[name])
    for timed in ("work/seals/summary.json", "work/seals/report.json"):
        found.pop(timed, None)
    if "report.html" in found:  # times are in the whole file
        found["report.html"] = found["report.html"][-8:]
    crate = found.get("ro-crate-metadata.json", b"").splitlines()
    if crate:  # the only line that depends on the day
        found["ro-crate-metadata.json"] = b"\n".join(
            line for line in crate if b'"datePublished"' not in line
        )
    lines = found.get("summary.txt", b"").splitlines()
    if lines:  # the only line that depends on the time
        found["summary.txt"] = b"\n".join(line for line in lines if b"wall time" not in line)
    return found


def _read_seals(data: bytes) -> bytes:
    """A file of seals without modification times, and so without its checksum."""
    seals = json.loads(data)
    timeless = [{key: one[key] for key in one if key != "modified"} for one in seals["results"]]
    return json.dumps(timeless).encode()


class Scene:
    """A run in `folder`, an older one with another trim, and what both end with.

    Parameters
    ----------
    folder : Path
        Does not exist yet.
    warm : Warm
    """

    def __init__(self, folder: Path, warm: Warm) -> None:
        self.warm, self.folder = warm, folder / "run"
        self.tools = warm.install(self._make(folder) / "tools")
        self.right, self.commands, self.seconds = self._run_undisturbed(folder / "right", trim=0)
        self.stale, _, _ = self._run_undisturbed(folder / "stale", trim=1)
        self.finished, self._older = (folder / name / RESULTS for name in ("right", "stale"))
        assert self.right.keys() == self.stale.keys() and self.right != self.stale
        write_inputs(self.folder, trim=0)
        self.steps: dict[int, int] = {}
        self.durations: dict[int, float] = {}
        for number, words in enumerate(self.commands):
            start = time.monotonic()
            ended = self.warm.run(words, folder=str(self.folder))
            assert ended.status == 0, ended.err
            self.steps[number] = ended.steps
            self.durations[number] = time.monotonic() - start
        self.check_finished()

    @staticmethod
    def _make(folder: Path) -> Path:
        folder.mkdir(parents=True)
        return folder

    def _run_undisturbed(self, folder: Path, *, trim: int) -> tuple[Files, list[list[str]], float]:
        """Run Snakemake on one core; return the files, the jobs' commands and the seconds."""
        write_inputs(folder, trim=trim)
        calls = folder / "calls"
        recorder = self._make(folder / "bin") / "genometracks"
        recorder.write_text(RECORDER.format(calls=calls, tool=self.tools / "genometracks"))
        recorder.chmod(0o755)
        start = time.monotonic()
        done = self.snakemake(folder, cores=1, tools=folder / "bin")
        _, err = done.communicate()
        assert done.returncode == 0, err.decode()
        seconds = time.monotonic() - start
        lines = calls.read_text().splitlines()
        commands = [line.removesuffix("\0").split("\0") for line in lines]
        return read_files(folder / RESULTS), commands, seconds

    def snakemake(
        self, folder: Path, *words: str, cores: int = 2, tools: Path | None = None
    ) -> subprocess.Popen:
        """Start Snakemake in a process group of its own; its jobs are forked by the server."""
        command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile")]
        command += ["--configfile", "config.yaml", "--cores", str(cores), "--rerun-incomplete"]
        path = f"{tools or self.tools}:{os.environ['PATH']}"
        return subprocess.Popen(
            [*command, "--quiet", *words],
            cwd=folder,
            env={**os.environ, "PATH": path, "PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def reset(self, *, stale: bool) -> None:
        """Delete the results, or put those of the older run in their place."""
        for name in ("results", ".snakemake"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        if stale:
            shutil.copytree(self._older, self.folder / RESULTS)

    def check_nothing_is_half_written(self) -> None:
        """Every file is complete: that of this run or of the older one; the Parquet as a whole."""
        found = read_files(self.folder / RESULTS)
        for name, data in found.items():
            assert data in (self.right.get(name), self.stale.get(name)), f"{name} is half-written"
        parquet = {name: data for name, data in found.items() if name.startswith("parquet/")}
        whole = [
            {name: data for name, data in files.items() if name.startswith("parquet/")}
            for files in (self.right, self.stale)
        ]
        assert not parquet or parquet in whole, "parquet is half-written"

    def check_finished(self) -> None:
        """Every file of the run has the bytes of an undisturbed run, and no other file is left."""
        found = read_files(self.folder / RESULTS)
        differing = defaultdict(list)
        for name in sorted(found.keys() | self.right.keys()):
            if found.get(name) != self.right.get(name):
                kind = "differs" if name in found and name in self.right else "missing or extra"
                differing[kind].append(name)
        assert not differing, dict(differing)
        folder = RunFolder(self.folder / RESULTS)
        sealed = [each for path in folder.seals.iterdir() for each in load_seals(path)]
        changed = [each.file for each in sealed if find_change(folder.path, each)]
        assert sealed and not changed, f"not as sealed: {changed}"
        left = [path for path in (self.folder / RESULTS).rglob("*.part")]
        assert not left, f"left behind: {left}"
