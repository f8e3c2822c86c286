"""Jobs that are forked behave as processes of their own: streams, folder, status, signals."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from genometracks.launch.standby import CLIENT, stand_by

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}"}


@pytest.fixture(scope="module")
def tools():
    """Folder of a `genometracks` whose jobs are forked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", ENVIRONMENT["PYTHONPATH"])
        with stand_by() as folder:
            wait_for(lambda: (folder / "socket").exists())
            yield folder


def wait_for(condition, seconds: float = 60):
    """Wait until something holds, and return it."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
    return found


def start(tools, *words, **how) -> subprocess.Popen:
    how = {"env": ENVIRONMENT, "stderr": subprocess.PIPE, "stdout": subprocess.PIPE, **how}
    return subprocess.Popen([tools / "genometracks", *words], text=True, **how)


def run(tools, *words, **how) -> tuple[int, str, str]:
    process = start(tools, *words, **how)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_a_job_writes_to_the_streams_of_its_caller(tools):
    status, out, err = run(tools, "--version")
    assert (status, err) == (0, "")
    assert out.startswith("genometracks ")


def test_a_job_has_the_environment_of_its_caller(tools):
    narrow = run(tools, "plan", "--help", env={**ENVIRONMENT, "COLUMNS": "40"})
    wide = run(tools, "plan", "--help", env={**ENVIRONMENT, "COLUMNS": "200"})
    assert narrow[1].split() == wide[1].split()
    assert len(narrow[1].splitlines()) > len(wide[1].splitlines())


def test_an_error_of_a_job_is_one_line_and_its_status(tools, tmp_path):
    status, out, err = run(tools, "status", "nowhere", cwd=tmp_path)
    assert (status, out) == (1, "")
    assert err == "genometracks status: nowhere: no run in this folder: give results/RUN\n"


def test_the_status_of_a_wrong_command_line_is_that_of_the_parser(tools):
    status, out, err = run(tools, "plan", "--out")
    assert (status, out) == (2, "")
    assert "usage: genometracks plan" in err


@pytest.fixture
def waiting(tools, tmp_path):
    """A job that waits for a named pipe: its caller, and the process of the job."""
    os.mkfifo(tmp_path / "plan.json")
    words = ("shards", "--plan", "plan.json", "--out", "out.txt")
    caller = start(tools, *words, cwd=tmp_path, start_new_session=True)
    job = wait_for(lambda: find_job(tmp_path))
    wait_for(lambda: signal.SIGTERM in list_caught(job))
    yield caller, job
    caller.kill()
    caller.communicate()


def find_job(folder: Path) -> int | None:
    """The forked process that works in a folder."""
    for entry in Path("/proc").iterdir():
        try:
            forked = entry.name.isdigit() and "standby_server" in (entry / "cmdline").read_text()
            if forked and os.readlink(entry / "cwd") == str(folder):
                return int(entry.name)
        except OSError:
            continue
    return None


def list_caught(process: int) -> set[int]:
    """Numbers of the signals for which a process has handlers."""
    lines = (Path("/proc") / str(process) / "status").read_text().splitlines()
    mask = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:"))
    return {number for number in range(1, 65) if mask >> (number - 1) & 1}


def is_running(process: int) -> bool:
    return Path("/proc", str(process)).exists()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("whole_group", [False, True], ids=["caller", "group"])
def test_a_signal_reaches_the_job(waiting, number, status, whole_group):
    caller, job = waiting
    (os.killpg if whole_group else os.kill)(caller.pid, number)
    _, err = caller.communicate(timeout=60)
    assert caller.returncode == status
    assert "run again to continue" in err
    assert not is_running(job)


def test_a_job_ends_when_its_caller_is_killed(waiting):
    caller, job = waiting
    caller.kill()
    wait_for(lambda: not is_running(job))
    assert caller.wait() == -signal.SIGKILL


def test_a_caller_learns_that_its_job_was_killed(waiting):
    caller, job = waiting
    os.kill(job, signal.SIGKILL)
    caller.communicate(timeout=60)
    assert caller.returncode == 128 + signal.SIGKILL


def test_jobs_run_without_the_process_once_it_has_ended(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", ENVIRONMENT["PYTHONPATH"])
    with stand_by() as folder:
        client = (folder / "genometracks").read_text()
    again = folder.with_name(folder.name + "-again")
    again.mkdir()
    try:
        (again / "genometracks").write_text(client)
        (again / "genometracks").chmod(0o700)
        status, out, _ = run(again, "--version")
    finally:
        (again / "genometracks").unlink()
        again.rmdir()
    assert (status, out[:13]) == (0, "genometracks ")


def test_a_caller_without_an_answer_runs_its_command_itself(monkeypatch, tmp_path):
    """As if the process were killed while it reads the request, or could not fork."""
    monkeypatch.setenv("PYTHONPATH", ENVIRONMENT["PYTHONPATH"])
    address = tmp_path / "socket"
    client = tmp_path / "genometracks"
    client.write_text(CLIENT.format(python=sys.executable, address=str(address)))
    client.chmod(0o700)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(address))
        server.listen()
        caller = start(tmp_path, "--version")
        server.accept()[0].close()
        out, err = caller.communicate(timeout=60)
    assert (caller.returncode, out[:13], err) == (0, "genometracks ", "")


def test_modules_in_the_working_folder_are_not_imported(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", ENVIRONMENT["PYTHONPATH"])
    (tmp_path / "argparse.py").write_text("raise SystemExit('imported from the working folder')")
    monkeypatch.chdir(tmp_path)
    with stand_by() as folder:
        wait_for(lambda: (folder / "socket").exists())
        forked = run(folder, "--version")
    client = tmp_path / "genometracks"
    client.write_text(CLIENT.format(python=sys.executable, address=str(tmp_path / "none")))
    client.chmod(0o700)
    alone = run(tmp_path, "--version")
    assert (forked[0], forked[2]) == (alone[0], alone[2]) == (0, "")


def test_a_module_that_cannot_be_imported_ends_no_job(monkeypatch, tmp_path):
    blocked = "import sys\nsys.modules['genometracks.inputs.fetch'] = None\n"
    (tmp_path / "sitecustomize.py").write_text(blocked)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ENVIRONMENT['PYTHONPATH']}")
    os.mkfifo(tmp_path / "plan.json")
    with stand_by() as folder:
        wait_for(lambda: (folder / "socket").exists())
        assert run(folder, "--version")[0] == 0
        caller = start(folder, "shards", "--plan", "plan.json", "--out", "x", cwd=tmp_path)
        job = wait_for(lambda: find_job(tmp_path))
        wait_for(lambda: signal.SIGTERM in list_caught(job))
        caller.terminate()
        _, err = caller.communicate(timeout=60)
    assert caller.returncode == 143
    assert "run again to continue" in err


@pytest.mark.parametrize("python", ["/opt/my python/bin/python", f"/{'long/' * 30}python"])
def test_a_python_that_no_script_can_name_forks_no_jobs(monkeypatch, python):
    monkeypatch.setattr(sys, "executable", python)
    monkeypatch.setenv("PATH", str(Path(python).parent))
    with stand_by() as folder:
        assert folder is None


def test_a_caller_reports_that_the_process_ended(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", ENVIRONMENT["PYTHONPATH"])
    os.mkfifo(tmp_path / "plan.json")
    with stand_by() as folder:
        wait_for(lambda: (folder / "socket").exists())
        words = ("shards", "--plan", "plan.json", "--out", "out.txt")
        caller = start(folder, *words, cwd=tmp_path)
        job = wait_for(lambda: find_job(tmp_path))
    _, err = caller.communicate(timeout=60)
    assert caller.returncode == 1
    last = "genometracks: the process that runs the jobs has ended: run again to continue"
    assert err.splitlines()[-1] == last
    wait_for(lambda: not is_running(job))


def test_no_process_stays(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", ENVIRONMENT["PYTHONPATH"])
    code = (
        "import os, signal, sys, time\n"
        "from genometracks.launch.standby import stand_by\n"
        "with stand_by() as folder:\n"
        "    print(folder, flush=True)\n"
        "    time.sleep(600)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    folder = process.stdout.readline().strip()
    process.kill()
    process.communicate()
    wait_for(lambda: not list_with(folder))
    assert not Path(folder).exists()


def list_with(word: str) -> list[int]:
    """Processes with a word on their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and word in (entry / "cmdline").read_text():
                found.append(int(entry.name))
        except OSError:
            continue
    return found
