"""No two processes use the same device; the device of a dead process is free at once."""

import os
import subprocess
import sys

import pytest

from genometracks.errors import UserError
from genometracks.predict.claim import claim_device, list_visible
from genometracks.predict.device import prepare_device

HOLD = """
import logging, sys, time
from pathlib import Path
from genometracks.predict.claim import claim_device
logging.basicConfig(format="%(message)s", level=logging.INFO)
names = sys.argv[2].split(",")
i = claim_device(names, names, folders=[Path(sys.argv[1]) / "own"])
start = time.time()
print(names[i], flush=True)
if len(sys.argv) == 3:
    sys.stdin.readline()
else:
    time.sleep(float(sys.argv[3]))
print(start, time.time(), flush=True)
"""


def start(folder, names: str, *seconds: str) -> subprocess.Popen:
    """A process that claims a device, prints it, and holds it until a line or for `seconds`."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), names, *seconds],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


@pytest.mark.parametrize(
    ("count", "environment", "names"),
    [
        (0, None, []),
        (3, None, ["0", "1", "2"]),
        (1, "", []),
        (2, "2, 5", ["2", "5"]),
        (0, "0,1", ["0", "1"]),  # names only, without devices
        (1, "1,-1,0", ["1"]),
        (2, "GPU-1a2b-3c,MIG-9f/1/0", ["GPU-1a2b-3c", "MIG-9f/1/0"]),
        (0, "NoDevFiles", []),
    ],
)
def test_visible_devices_are_those_that_cuda_would_use(count, environment, names):
    assert list_visible(count, environment) == names


def test_each_process_has_its_own_device_and_the_next_one_waits(tmp_path):
    first, second = (start(tmp_path, "4,7") for _ in range(2))
    claimed = {first.stdout.readline().strip(), second.stdout.readline().strip()}
    assert claimed == {"4", "7"}
    third = start(tmp_path, "4,7")
    assert third.stderr.readline() == "waiting for a device: 4, 7 taken by other jobs\n"
    first.kill()  # it cannot free anything
    first.wait()
    free = ({"4", "7"} - {second_device(second)}).pop()
    assert third.stdout.readline().strip() == free
    assert third.stderr.readline() == f"device {free} of 4, 7 claimed\n"
    for process in (second, third):
        process.communicate("end\n", timeout=30)


def second_device(process: subprocess.Popen) -> str:
    """The device that a process logged as claimed."""
    return process.stderr.readline().split()[1]


def test_eight_processes_use_three_devices_one_at_a_time(tmp_path):
    processes = [start(tmp_path, "0,1,2", "0.2") for _ in range(8)]
    spans: dict[str, list[tuple[float, float]]] = {}
    for process in processes:
        device, times = process.communicate(timeout=60)[0].splitlines()
        spans.setdefault(device, []).append(tuple(map(float, times.split())))
    assert sum(map(len, spans.values())) == 8 and set(spans) <= {"0", "1", "2"}
    for times in spans.values():
        times.sort()
        assert all(end <= start for (_, end), (start, _) in zip(times, times[1:], strict=False))


def test_a_lock_that_cannot_be_opened_does_not_stop_a_job(tmp_path, caplog):
    assert claim_device(["0"], ["a"], folders=[tmp_path / "missing" / "own"]) == 0
    expected = f"device 0: used without a claim: no lock in {tmp_path}/missing/own: No such file"
    assert caplog.messages[0].startswith(expected)
    assert caplog.messages[0].endswith(
        "another job may use it at the same time: set TMPDIR to a writable folder on this machine"
    )
    claim_device(["0"], ["a"], folders=[tmp_path / "own"])
    (lock,) = (tmp_path / "own").iterdir()
    lock.unlink()
    victim = tmp_path / "victim"
    lock.symlink_to(victim)
    assert claim_device(["0"], ["a"], folders=[tmp_path / "own"]) == 0
    assert f"used without a claim: no lock in {tmp_path}/own: {lock} is a link" in caplog.text
    assert not victim.exists()


def test_the_device_of_a_job_is_claimed_and_named(tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,4")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert prepare_device("auto").type == "cpu" and not list(tmp_path.iterdir())
    assert prepare_device("cpu", claim=True).type == "cpu" and not list(tmp_path.iterdir())
    assert prepare_device("auto", claim=True).type == "cpu"  # claimed, though CUDA has none
    assert "device 3 of 3, 4 claimed" in caplog.messages


def test_a_given_device_that_cannot_be_used_is_reported(monkeypatch, caplog):
    for given, notes in [("3,4", 1), ("NoDevFiles", 0), ("", 0)]:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
        assert prepare_device("auto").type == "cpu"
        assert caplog.text.count("names a device that PyTorch cannot use") == notes
        caplog.clear()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    prepare_device("cpu")
    assert not caplog.messages


class Card:
    """Properties of a device, as CUDA reports them."""

    def __init__(self, uuid: str) -> None:
        self.uuid = uuid


def test_a_card_is_identified_by_its_uuid(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda i: Card("ab"[i]))
    assert str(prepare_device("auto", claim=True)) == "cuda:0"
    # In another container the second card is the first; its lock is the same file.
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda i: Card("ba"[i]))
    assert str(prepare_device("auto", claim=True)) == "cuda:0"
    assert len(list((tmp_path / f"genometracks-{os.geteuid()}").iterdir())) == 2
    with pytest.raises(UserError, match="cuda:5: only 2 are visible: use auto"):
        prepare_device("cuda:5", claim=True)
