"""More tracks than one job writes: several jobs write them, and restore a lost one."""

from pathlib import Path

import numpy as np
import pyBigWig
import pytest

from genometracks.export.jobs import TRACKS
from pipeline import CPU, planned_rules, run, write_project

pytestmark = pytest.mark.usefixtures("warm_tools")
COUNT = 2 * TRACKS + 1


@pytest.fixture(scope="module")
def project(tmp_path_factory, warm_tools) -> Path:
    folder = tmp_path_factory.mktemp("many")
    model = {"n_tasks": COUNT, "tracks": [{"name": f"t{i}"} for i in range(COUNT)]}
    output = {"parquet": False}
    write_project(
        folder, run="many", bases=700, model=model, prediction=CPU, output=output, shards=2
    )
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


def test_a_lost_track_is_written_again_by_its_job_alone(project):
    lost = project / f"results/many/bigwig/t{TRACKS + 3}.bw"
    kept = project / "results/many/bigwig/t1.bw"
    content, time = lost.read_bytes(), kept.stat().st_mtime_ns
    lost.unlink()
    rules = planned_rules(project)
    assert "bigwig_1" in rules and not {"bigwig_0", "bigwig_2", "predict"} & rules
    run(project)
    assert lost.read_bytes() == content and kept.stat().st_mtime_ns == time
