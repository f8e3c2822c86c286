"""Jobs need no network: Snakemake fetches weights and genome once, on its own machine."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import yaml

from hub_server import COMMIT, HubServer
from pipeline import ROOT, run
from toys import random_bases, write_checkpoint, write_fasta

BLOCKED = ["unshare", "--map-root-user", "--net"]


def without_network(folder, *words: str) -> None:
    """Run Snakemake and its jobs, as a user does, without any network, not even the loopback."""
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "2"]
    subprocess.run(
        [*BLOCKED, *command, "--configfile", "config.yaml", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}", "HF_HOME": "nothing"},
        check=True,
    )


@pytest.mark.skipif(
    subprocess.run([*BLOCKED, "true"], capture_output=True).returncode != 0,
    reason="unshare --net is not permitted on this machine",
)
def test_prediction_needs_no_network(tmp_path, warm_tools):
    served = tmp_path / "served"
    served.mkdir()
    fasta = write_fasta(served / "g.fa", {"chr1": random_bases(700, seed=0)}).read_bytes()
    content = write_checkpoint(tmp_path / "a.ckpt").read_bytes()
    handler = partial(SimpleHTTPRequestHandler, directory=served)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    hub = HubServer("lab/toy-model", {"model.ckpt": content})
    digest = hashlib.sha256(content).hexdigest()
    address = f"http://127.0.0.1:{server.server_port}/g.fa"
    config = {
        "run": "off",
        "genome": {"fasta": address, "sha256": hashlib.sha256(fasta).hexdigest()},
        "model": {"weights": "lab/toy-model@main:model.ckpt", "sha256": digest},
        "prediction": {"device": "cpu"},
        "shards": 2,
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    cache = tmp_path / "cache"
    try:
        run(
            tmp_path,
            *("--until", "weights", "download"),
            HF_ENDPOINT=hub.address,
            HF_HOME=str(cache),
        )
    finally:
        hub.stop()
        server.shutdown()
        server.server_close()
    shutil.rmtree(cache)
    work = tmp_path / "results/off/work"
    fetched = json.loads((work / "weights/model.ckpt.json").read_text())
    assert (fetched["revision"], fetched["sha256"]) == (COMMIT, digest)
    assert json.loads((work / "source/g.fa.json").read_text())["source"] == address
    assert not (work / "plan.json").exists()
    without_network(tmp_path)
    manifest = json.loads((tmp_path / "results/off/manifest.json").read_text())
    assert manifest["genome"]["sha256"] == config["genome"]["sha256"]
    assert manifest["genome"]["name"] == "g" and len(manifest["shards"]) == 1
    assert manifest["config"]["model"]["weights"] == "lab/toy-model@main:model.ckpt"
    names = sorted(path.name for path in (tmp_path / "results/off/bigwig").iterdir())
    assert names == ["one.bw", "three.bw", "two.bw"]
