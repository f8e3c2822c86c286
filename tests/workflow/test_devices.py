"""Predictions that run at the same time on one machine use different devices."""

import re

from pipeline import run, write_project


def test_no_two_jobs_share_a_device(tmp_path):
    write_project(tmp_path, run="many", bases=9000, shards=6)
    (tmp_path / "tmp").mkdir()
    words = ("--cores", "4", "--resources", "gpu=4", "--until", "predict")
    run(tmp_path, *words, CUDA_VISIBLE_DEVICES="5,6", TMPDIR=str(tmp_path / "tmp"))
    logs = sorted((tmp_path / "results/many/logs/predict").iterdir())
    texts = [log.read_text() for log in logs]
    claims = [re.findall("^device ([0-9]) of 5, 6 claimed$", text, re.M) for text in texts]
    assert sorted({name for names in claims for name in names}) == ["5", "6"]
    assert [len(names) for names in claims] == [1] * 6
    # Four jobs at once and two devices: at least one job had to wait.
    assert any("waiting for a device: 5, 6 taken by other jobs" in text for text in texts)
