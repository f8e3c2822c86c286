"""Fixtures: a cluster for the tests of a module, and a project whose jobs it runs."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from cluster import PREFIX, Cluster, explain_missing, until
from pipeline import ROOT, write_project

HERE = Path(__file__).parent
PROFILE = ROOT / "workflow/profiles/slurm/profile.yaml"
QUICK = ["--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "10"]


@pytest.fixture(scope="module")
def cluster(request):
    """A Slurm with accounting if the module's ACCOUNTING is true."""
    if why := explain_missing():
        pytest.skip(why)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with Cluster(folder, accounting=request.module.ACCOUNTING) as cluster:
            yield cluster
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Project:
    """A folder with a config, from which Snakemake submits jobs to the cluster."""

    def __init__(self, folder: Path, *, accounting: bool) -> None:
        self.folder, self.trouble = folder, folder / "trouble"
        self.process: subprocess.Popen | None = None
        self.trouble.mkdir(parents=True)
        tool = folder / "bin" / "genometracks"
        tool.parent.mkdir()
        tool.write_text(f'#!/bin/sh\nexec {sys.executable} {HERE}/stand_in.py "$@"\n')
        tool.chmod(0o755)
        self.profile = folder / "profile"
        self.profile.mkdir()
        text = PROFILE.read_text()
        if not accounting:  # as the profile's comments advise
            for line in ("slurm-status-command: squeue", "slurm-no-account: true"):
                assert f"\n# {line}\n" in text
                text = text.replace(f"\n# {line}\n", f"\n{line}\n")
        (self.profile / "profile.yaml").write_text(text)

    @property
    def shards(self) -> Path:
        """Folder of the shards."""
        return self.folder / "results/lab/work/shards"

    def start(self, *words: str) -> subprocess.Popen:
        """Start Snakemake."""
        command = ["-s", str(ROOT / "Snakefile"), "--configfile", "config.yaml"]
        with open(self.folder / "output.txt", "a") as file:
            return self._start(
                [*command, "--workflow-profile", str(self.profile), *QUICK, *words],
                stdout=file,
                stderr=file,
            )

    def start_run(self, *words: str) -> subprocess.Popen:
        """Start `genometracks run`; the words are options of Snakemake."""
        command = ["genometracks", "run", "config.yaml", "--profile", str(self.profile), "--"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return self._start([*command, *QUICK, *words], **pipes)

    def _start(self, words: list[str], **streams) -> subprocess.Popen:
        environment = {
            **os.environ,
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}",
            "TROUBLE": str(self.trouble),
        }
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "quick.py"), *words],
            cwd=self.folder,
            env=environment,
            start_new_session=True,
            **streams,
        )
        return self.process

    def finish(self, process: subprocess.Popen) -> None:
        """Wait until Snakemake has succeeded."""
        status = process.wait(timeout=400)
        assert status == 0, (self.folder / "output.txt").read_text()[-5000:]

    def run(self, *words: str) -> None:
        """Start Snakemake and wait until it has succeeded."""
        self.finish(self.start(*words))

    def kill(self, process: subprocess.Popen) -> None:
        """Kill Snakemake, as the crash of a login node does."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def list_calls(self, command: str, event: str = "start") -> list[dict]:
        """Calls of a command, in order."""
        try:
            lines = (self.trouble / "calls").read_text().splitlines()
        except FileNotFoundError:
            return []
        calls = [json.loads(line) for line in lines]
        return [call for call in calls if call["event"] == event and command in call["words"]]

    def list_shard_calls(self, shard: str) -> list[dict]:
        """Calls that predict a shard, in order."""
        calls = self.list_calls("predict")
        return [
            call for call in calls if call["words"][call["words"].index("--shard") + 1] == shard
        ]

    def hold(self, *shards: str) -> None:
        """Make the predictions of these shards wait after their first batch."""
        for shard in shards:
            (self.trouble / f"hold-{shard}").touch()

    def release(self, *shards: str) -> None:
        """Let the predictions of these shards continue."""
        for shard in shards:
            (self.trouble / f"hold-{shard}").unlink()

    def await_held(self, *shards: str, times: int = 1) -> None:
        """Wait until these predictions were held after their first batch, `times` times each."""
        for shard in shards:
            until(
                lambda shard=shard: len(self.list_calls(shard, "held")) >= times,
                f"shard {shard} is held",
                seconds=120,
            )
            assert list(self.shards.glob(f".{shard}.npy.*.part"))

    def read_shards(self) -> dict[str, bytes]:
        """Bytes of the predictions of all shards."""
        return {path.name: path.read_bytes() for path in sorted(self.shards.glob("*.npy"))}


@pytest.fixture
def project(tmp_path, cluster):
    """An untrained model, a small genome, four shards; no job remains after the test."""
    project = Project(tmp_path / "project", accounting=cluster.accounting)
    prediction = {"batch_size": 2, "precision": "fp32"}
    write_project(project.folder, run="lab", bases=3000, prediction=prediction, shards=4)
    yield project
    if project.process:
        project.kill(project.process)
    cluster.ask("scancel", "--user=root")
    until(lambda: not cluster.ask("squeue", "-h"), "no job is left")
