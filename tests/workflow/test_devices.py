"""Several predictions on one machine: each on a stand-in device of its own."""

import re

from pipeline import run, write_project


def test_jobs_at_once_have_devices_of_their_own(tmp_path):
    write_project(tmp_path, run="many", bases=9000, shards=6)
    (tmp_path / "tmp").mkdir()
    words = ("--cores", "4", "--resources", "gpu=4", "--until", "predict")
    run(tmp_path, *words, CUDA_VISIBLE_DEVICES="5,6", TMPDIR=str(tmp_path / "tmp"))
    logs = sorted((tmp_path / "results/many/logs/predict").iterdir())
    texts = [log.read_text() for log in logs]
    claims = [re.findall("^device ([0-9]) of 5, 6 claimed$", text, re.M) for text in texts]
    assert sorted({name for names in claims for name in names}) == ["5", "6"]
    assert [len(names) for names in claims] == [1] * 6
    # Four at once, two devices: somebody had to wait.
    assert any("waiting for a device: 5, 6 taken by other jobs" in text for text in texts)
