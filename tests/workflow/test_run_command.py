"""`genometracks run`: results, errors, locks, signals and exit codes, with real jobs."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

import pipeline
from pipeline import ROOT, planned_rules, run, snakemake
from scene import read_files
from toys import write_model

RESULTS = Path("results/small")


def variables(project: Path) -> dict[str, str]:
    """The environment of a process whose jobs call the script."""
    return {
        **os.environ,
        "PATH": f"{project}/bin:{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}",
    }


def run_warm(project: Path, *words: str, config: str = "config.yaml"):
    """Run `genometracks run` in a process that has imported everything."""
    return subprocess.run(
        [f"{pipeline.tools}/genometracks", "run", config, "--cores", "2", *words],
        cwd=project,
        env=variables(project),
        capture_output=True,
        text=True,
        timeout=90,
    )


def start(project: Path, *words: str, **how) -> subprocess.Popen:
    """Start `genometracks run` as a user does."""
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **how}
    return subprocess.Popen(
        [sys.executable, "-m", "genometracks.cli", "run", "config.yaml", "--cores", "2", *words],
        cwd=project,
        env=variables(project),
        **how,
    )


def wait_for(path: Path, process: subprocess.Popen) -> None:
    end = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.05)


def list_alive(project: Path) -> list[int]:
    """Processes of the run's jobs that still live."""
    pids = map(int, (project / "pids").read_text().split())
    return [pid for pid in pids if Path(f"/proc/{pid}/cmdline").exists() and _reads(pid)]


def _reads(pid: int) -> bool:
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())  # empty: dead
    except OSError:
        return False


def test_a_run_ends_with_what_it_wrote_and_is_not_repeated(project):
    done = run_warm(project)
    assert (done.returncode, done.stderr.splitlines()[0]) == (0, "small: model")
    first, *lines = done.stdout.splitlines()
    assert re.fullmatch(r"results/small: done in 0:0\d:\d\d", first)
    assert lines.pop(2).startswith("  bigWig      results/small/bigwig/: 3 files, ")
    assert lines == [
        "  page        open it by: genometracks serve results/small",
        "  report      results/small/report.html, for a browser",
        "  tracks      results/small/tracks.tsv: names and metadata",
        "  hub         results/small/hub/: for UCSC, IGV and JBrowse",
        "  summary     results/small/summary.txt: the run in a few lines",
        "  manifest    results/small/manifest.json: everything needed to repeat the run",
    ]
    stages = [line.removeprefix("small: ") for line in done.stderr.splitlines()]
    assert {"model", "genome", "plan", "predict", "merge", "bigwig", "manifest"} <= set(stages)
    again = run_warm(project)
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.startswith("results/small: nothing to do: complete before\n")


def test_a_run_writes_into_its_folder_only(project, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    where = {**variables(project), "XDG_CACHE_HOME": str(cache)}
    for words in (["explain", "config.yaml"], ["run", "config.yaml", "--cores", "2"]):
        command = [sys.executable, "-m", "genometracks.cli", *words]
        subprocess.run(command, cwd=project, env=where, capture_output=True, check=True)
        left = [path for path in (cache / "snakemake").rglob("*") if path.is_file()]
        assert left == []
        assert list(project.glob(".snakemake/sources-*")) == []


def test_neither_way_of_running_repeats_the_jobs_of_the_other(project):
    assert run_warm(project).returncode == 0
    assert planned_rules(project) == set()
    kept = read_files(project / RESULTS)
    assert snakemake(project, "--delete-all-output").returncode == 0
    assert not (project / RESULTS / "manifest.json").exists()
    run(project)
    now = read_files(project / RESULTS)
    for files in (kept, now):
        files.pop("work/run.lock", None)
    assert now == kept
    assert run_warm(project).stdout.startswith("results/small: nothing to do: complete before\n")


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ("shard: 3\n", "config: unknown key 'shard': did you mean 'shards'?"),
        (f"runs: {'9' * 5000}\n", "not YAML: not a usable value: Exceeds the limit (4300 digits)"),
        ("__use_yte__: true\n", "config.yaml: __use_yte__: Snakemake executes Python in such a"),
        ('__use_yte__: true\n?: __import__("os").system("touch hit")\n', "__use_yte__"),
    ],
)
def test_a_wrong_config_is_one_line_and_never_reaches_snakemake(project, added, message):
    with open(project / "config.yaml", "a") as file:
        file.write(added)
    done = run_warm(project)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("genometracks run: ") and message in line
    assert not (project / ".snakemake").exists() and not (project / "hit").exists()
    assert not (project / "results").exists()


def test_a_failing_job_shows_its_error_and_its_log(project):
    (project / "broken").touch()
    done = run_warm(project)
    assert (done.returncode, done.stdout) == (1, "")
    failed = [line for line in done.stderr.splitlines() if line.startswith("failed: ")]
    log = "results/small/logs/predict/1.log"
    assert failed == [f"failed: small: predict shard 1: no such luck ({log})"]
    *_, last = done.stderr.splitlines()
    found = re.fullmatch(
        r"genometracks run: 1 job failed, see above and (\.snakemake/log/\S+\.run\.log): correct "
        r"the cause and run the same command again: complete files are kept",
        last,
    )
    assert "Error in rule predict" in (project / found[1]).read_text()
    assert "Traceback" not in done.stderr and "rule predict" not in done.stderr
    (project / "broken").unlink()
    assert run_warm(project).returncode == 0


def test_a_job_that_ends_without_an_error_shows_its_last_line(project):
    (project / "mute").touch()
    done = run_warm(project)
    (failed,) = [line for line in done.stderr.splitlines() if line.startswith("failed: ")]
    assert failed == (
        "failed: small: predict shard 1: ended without an error, as a job that is killed for its "
        "memory does; the last line of its log: loading (results/small/logs/predict/1.log)"
    )
    assert done.returncode == 1


def test_options_that_leave_a_run_incomplete_do_not_end_in_success(project):
    done = run_warm(project, "--", "--until", "merge")
    assert done.returncode == 1 and (project / RESULTS / "work/merge.json").exists()
    assert done.stderr.splitlines()[-1] == (
        "genometracks run: not complete: Snakemake did what its options asked, and "
        "results/small/tracks.tsv is missing: run again without these options"
    )


def test_an_error_of_snakemake_itself_is_one_line(project):
    done = run_warm(project, "--", "no_such_rule")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("genometracks run: Snakemake: MissingRuleException: No rule to produce")
    assert line.endswith(".run.log)")


@pytest.mark.parametrize(
    ("number", "status", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "ended by SIGTERM")],
)
def test_a_signal_ends_all_jobs_in_order(project, number, status, word):
    (project / "held").touch()
    process = start(project)
    wait_for(project / "waiting", process)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (status, "")
    assert err.splitlines()[-1] == f"genometracks run: {word}: run again to continue"
    assert "failed: " not in err and list_alive(project) == []
    (project / "held").unlink()
    assert not list((project / ".snakemake/locks").glob("*"))
    assert run_warm(project).returncode == 0


def test_a_second_interrupt_ends_at_once(project):
    (project / "held").touch()
    script = project / "bin" / "genometracks"
    script.write_text(script.read_text().replace("#!/bin/sh\n", "#!/bin/sh\ntrap '' INT\n"))
    process = start(project)
    wait_for(project / "waiting", process)
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    assert process.poll() is None, "it waits for the job"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130 and list_alive(project) == []
    assert "ending the jobs; a second Ctrl-C kills them at once" in err.splitlines()
    (project / "held").unlink()
    done = run_warm(project)
    assert done.returncode == 0, done.stderr
    assert "note: an earlier Snakemake was killed; its lock is removed" in done.stderr.splitlines()


def test_a_killed_run_leaves_no_job_and_is_continued(project):
    (project / "held").touch()
    process = start(project)
    wait_for(project / "waiting", process)
    process.kill()
    process.communicate()
    end = time.monotonic() + 20
    while list_alive(project):
        assert time.monotonic() < end, "a job outlives the run"
        time.sleep(0.1)
    (project / "held").unlink()
    done = run_warm(project)
    assert done.returncode == 0, done.stderr


def test_a_run_whose_snakemake_was_killed_is_continued(project):
    (project / "held").touch()
    process = start(project)
    wait_for(project / "waiting", process)
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(child), signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and list_alive(project) == []
    assert err.splitlines()[-1] == (
        "genometracks run: Snakemake was killed (SIGKILL): memory may be exhausted: run the same "
        "command again: complete files are kept"
    )
    assert list((project / ".snakemake/locks").glob("*"))
    (project / "held").unlink()
    done = run_warm(project)
    assert done.returncode == 0, done.stderr
    assert "note: an earlier Snakemake was killed; its lock is removed" in done.stderr.splitlines()


def test_a_shard_without_its_sidecar_is_predicted_again(project):
    (project / "halved").touch()
    process = start(project)
    wait_for(project / "waiting", process)
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(child), signal.SIGKILL)
    process.communicate(timeout=60)
    (project / "halved").unlink()
    shards = project / RESULTS / "work/shards"
    assert (shards / "3.npy").exists() and not (shards / "3.json").exists()
    done = run_warm(project)
    assert done.returncode == 0, done.stderr
    assert "failed: " not in done.stderr and (shards / "3.json").exists()


def test_of_two_runs_at_once_the_second_ends_in_one_line(project):
    (project / "held").touch()
    first = start(project)
    wait_for(project / "waiting", first)
    second = run_warm(project)
    assert (second.returncode, second.stdout) == (1, "")
    (line,) = second.stderr.splitlines()
    assert re.fullmatch(
        rf"genometracks run: results/small: this run is in progress \(process {first.pid} on \S+ "
        r"since [\d: -]+\): wait until it ends, or see `genometracks status results/small`",
        line,
    )
    (project / "held").unlink()
    first.communicate(timeout=120)
    assert first.returncode == 0


def test_a_run_does_not_disturb_a_plain_snakemake(project):
    (project / "held").touch()
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "2"]
    process = subprocess.Popen(
        [*command, "--configfile", "config.yaml"],
        cwd=project,
        env=variables(project),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for(project / "waiting", process)
    done = run_warm(project)
    assert done.returncode == 1
    assert done.stderr == (
        f"genometracks run: {project}: another Snakemake (process {process.pid}) works on this "
        "run: wait until it ends\n"
    )
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (project / "held").unlink()
    done = run_warm(project)
    assert done.returncode == 0, done.stderr
    assert "note: an earlier Snakemake was killed; its lock is removed" in done.stderr.splitlines()


def test_the_runs_of_a_sheet_end_in_one_block(project):
    config = yaml.safe_load((project / "config.yaml").read_text())
    del config["run"], config["model"]
    config |= {"runs": "runs.tsv", "results": "my results", "shards": 2}
    (project / "config.yaml").write_text(yaml.safe_dump(config))
    write_model(project, name="n", seed=1)
    (project / "runs.tsv").write_text("run\tmodel\na\tm.safetensors\nb\tn.safetensors\n")
    done = run_warm(project)
    assert done.returncode == 0, done.stderr
    first, *lines = done.stdout.splitlines()
    assert first.startswith("my results: 2 runs, done in ")
    assert lines == [
        "  page        open it by: genometracks serve 'my results'",
        "  report      my results/report.html, for a browser",
        *(f"  {run}  done: 750 bins of 3 tracks" for run in "ab"),
    ]
    assert "shared: genome" in done.stderr.splitlines()
    assert {"a: predict", "b: predict"} <= set(done.stderr.splitlines())


def read_terminal(process: subprocess.Popen, terminal: int) -> str:
    """All that a process writes to a terminal."""
    text = b""
    while process.poll() is None or select.select([terminal], [], [], 0.2)[0]:
        try:
            if select.select([terminal], [], [], 0.2)[0]:
                text += os.read(terminal, 1 << 16)
        except OSError:  # closed by the last process that had it open
            break
    return text.decode()


def test_a_terminal_shows_a_line_that_changes_and_keeps_the_last_block(project):
    (project / "held").touch()
    terminal, other = pty.openpty()
    environment = {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "30"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        process = start(project, stdin=other, stdout=other, stderr=other, text=False)
    os.close(other)
    wait_for(project / "waiting", process)
    time.sleep(1.5)
    (project / "held").unlink()
    text = read_terminal(process, terminal)
    assert process.wait() == 0
    os.close(terminal)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    assert re.search(r"small +━+.* 3/4 shards.* +running: predict 1", plain), plain
    assert "\x1b[?25l" in text and "\x1b[?25h" in text, "the cursor is shown again"
    *_, end = text.split("\x1b[2K")
    lines = end.splitlines()
    assert lines[0].startswith("results/small: done in ")
    assert "rule predict" not in text and "SNAKEMAKE" not in text


def start_plain(project: Path, *words: str) -> subprocess.Popen:
    """Start `genometracks run` with the program's own PATH: its jobs are forked."""
    own = Path(sys.executable).parent
    return subprocess.Popen(
        [sys.executable, "-m", "genometracks.cli", "run", "config.yaml", "--cores", "2", *words],
        cwd=project,
        env={**variables(project), "PATH": f"{own}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def find_forked(project: Path) -> list[int]:
    """Living processes of forked jobs, and the one that they are forked from."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            if b"standby_server" in words and os.readlink(entry / "cwd") == str(project):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_forked_jobs_give_the_results_of_processes_of_their_own(project):
    assert run_warm(project).returncode == 0
    kept = read_files(project / RESULTS)
    assert snakemake(project, "--delete-all-output").returncode == 0
    process = start_plain(project)
    wait_for(project / RESULTS / "work/plan.json", process)
    assert find_forked(project)
    out, err = process.communicate(timeout=90)
    assert (process.returncode, out.splitlines()[0][:20]) == (0, "results/small: done ")
    assert "small: report" in err.splitlines()
    assert find_forked(project) == []
    now = read_files(project / RESULTS)
    for files in (kept, now):
        files.pop("work/run.lock", None)
    assert now == kept


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_forked_job_stays(project, number):
    process = start_plain(project)
    wait_for(project / RESULTS / "work/shards", process)
    os.kill(process.pid, number)
    process.communicate(timeout=90)
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
    end = time.monotonic() + 30
    while find_forked(project):
        assert time.monotonic() < end
        time.sleep(0.1)
    assert run_warm(project).returncode == 0
