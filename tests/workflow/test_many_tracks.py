"""Tracks beyond what one job writes: several jobs write them, and one that is lost comes back."""

from pathlib import Path

import numpy as np
import pyBigWig
import pytest
import yaml

from genometracks.resources import TRACKS
from pipeline import planned_rules, run
from toys import random_bases, write_fasta, write_model

COUNT = 2 * TRACKS + 1


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    write_fasta(folder / "g.fa", {"chr1": random_bases(700, seed=0)})
    tracks = [{"name": f"t{i}"} for i in range(COUNT)]
    write_model(folder, name="m", n_tasks=COUNT, tracks=tracks)
    config = {
        "run": "many",
        "genome": {"fasta": "g.fa"},
        "model": {"weights": "m.safetensors"},
        "prediction": {"batch_size": 4, "precision": "fp32", "device": "cpu"},
        "output": {"parquet": False},
        "shards": 2,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    assert {"bigwig_0", "bigwig_1", "bigwig_2"} <= planned_rules(folder)
    run(folder)
    return folder


def test_every_track_is_written_by_one_of_the_jobs(project):
    results = project / "results/many"
    logs = sorted(path.name for path in (results / "logs").glob("bigwig*"))
    assert logs == ["bigwig_0.log", "bigwig_1.log", "bigwig_2.log"]
    shards = sorted((results / "work/shards").glob("*.npy"))
    values = np.concatenate([np.load(path) for path in shards], axis=1)
    assert values.shape == (COUNT, 175) and len(list((results / "bigwig").iterdir())) == COUNT
    for row in (0, TRACKS - 1, TRACKS, 2 * TRACKS):
        with pyBigWig.open(str(results / f"bigwig/t{row}.bw")) as file:
            found = [value for _, _, value in file.intervals("chr1")]
        np.testing.assert_array_equal(np.float32(found), values[row])


def test_a_lost_track_is_written_again_with_its_neighbours_alone(project):
    lost = project / f"results/many/bigwig/t{TRACKS + 3}.bw"
    kept = project / "results/many/bigwig/t1.bw"
    content, time = lost.read_bytes(), kept.stat().st_mtime_ns
    lost.unlink()
    rules = planned_rules(project)
    assert "bigwig_1" in rules and not {"bigwig_0", "bigwig_2", "predict"} & rules
    run(project)
    assert lost.read_bytes() == content and kept.stat().st_mtime_ns == time
