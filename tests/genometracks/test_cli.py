"""A signal ends any command in one line, with its own exit status, and leaves no temporary file."""

import os
import signal
import subprocess
import sys
import time

import pytest

from genometracks.cli import main
from genometracks.common import stops
from genometracks.status.read import read_status
from toys import make_words

SIGNALS = [
    (signal.SIGINT, 130, "interrupted: run again to continue"),
    (signal.SIGTERM, 143, "ended by SIGTERM: run again to continue"),
    (signal.SIGHUP, 129, "ended by SIGHUP: run again to continue"),
]
SLOW = """
import signal, sys, time
# The tests may run in the background of a shell, where SIGINT is ignored, also by children.
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.default_int_handler if number == 2 else signal.SIG_DFL)
from genometracks import cli
{}
sys.exit(cli.main())
"""
BATCH = """
from genometracks.predict import forward
real = forward.Forward.__call__
def wait(self, windows):
    print("at work", file=sys.stderr, flush=True)
    time.sleep(60)  # in a thread, as a long batch
    return real(self, windows)
forward.Forward.__call__ = wait
"""
IMPORT = """
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            print("at work", file=sys.stderr, flush=True)
            try:
                time.sleep(60)
            except KeyboardInterrupt:
                {reaction}
sys.meta_path.insert(0, Slow())
"""
BLOCK = """
from genometracks.export import bigwigs
real = bigwigs.BigWigWriter
class Slow(real):
    def write(self, *words):
        super().write(*words)
        print("at work", file=sys.stderr, flush=True)
        time.sleep(60)
bigwigs.BigWigWriter = Slow
"""


def start(words: list[str], code: str = "", **environment: str) -> subprocess.Popen:
    """Start a command in a process group of its own, as a terminal does."""
    return subprocess.Popen(
        [sys.executable, "-c", SLOW.format(code), *words],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
    )


def stop(process: subprocess.Popen, number: int, *, marker: str) -> list[str]:
    """Send a signal to a group as soon as a line was printed; return the lines after it."""
    for line in process.stderr:
        if marker in line:
            break
    os.killpg(process.pid, number)
    rest = process.communicate(timeout=30)[1]
    return [line for line in rest.splitlines() if marker not in line]


def leftovers(run) -> list:
    return [path for path in run.folder.rglob(".*")]


def predict_words(run) -> list[str]:
    fasta = run.work / "genome.fa"
    return make_words("predict", plan=run.work / "plan.json", shard="0", fasta=fasta, device="cpu")


@pytest.mark.parametrize(("number", "status", "text"), SIGNALS)
def test_a_prediction_ends_in_one_line_during_a_batch(make_run, number, status, text):
    run = make_run(shards=2)
    run.plan()
    begun = time.monotonic()
    process = start(predict_words(run), BATCH)
    assert stop(process, number, marker="at work") == [f"genometracks predict: {text}"]
    assert process.returncode == status
    assert time.monotonic() - begun < 30  # not after the batch
    assert leftovers(run) == [] and not list((run.work / "progress").iterdir())
    assert not (run.shards() / "0.json").exists()
    log = run.folder / "logs" / "predict" / "0.log"
    log.parent.mkdir(parents=True)
    log.write_text(f"genometracks predict: {text}\n")
    assert read_status(run.folder).shards[0].state == "interrupted"
    run.predict("0")
    assert (run.shards() / "0.json").exists()


@pytest.mark.parametrize(("number", "status", "text"), SIGNALS)
@pytest.mark.parametrize("module", ["torch", "genometracks.commands.table", "msgspec"])
def test_a_command_ends_in_one_line_during_an_import(make_run, module, number, status, text):
    run = make_run(shards=2)
    run.plan()
    process = start(predict_words(run), IMPORT.format(name=module, reaction="raise"))
    assert stop(process, number, marker="at work") == [f"genometracks predict: {text}"]
    assert process.returncode == status and leftovers(run) == []


def test_a_module_that_turns_the_interruption_into_another_error_does_no_harm(make_run):
    run = make_run(shards=2)
    run.plan()
    reaction = "raise ImportError('numpy.core.multiarray failed to import')"
    process = start(predict_words(run), IMPORT.format(name="torch", reaction=reaction))
    lines = stop(process, signal.SIGINT, marker="at work")
    assert lines == ["genometracks predict: interrupted: run again to continue"]
    assert process.returncode == 130


def test_a_job_that_swallows_the_interruption_is_ended_after_a_while(make_run):
    run = make_run(shards=2)
    run.plan()
    code = "from genometracks.common import stops; stops.GRACE = 0.5\n"
    code += IMPORT.format(name="torch", reaction="time.sleep(60)")
    process = start(predict_words(run), code)
    lines = stop(process, signal.SIGINT, marker="at work")
    assert lines == ["genometracks predict: interrupted: run again to continue"]
    assert process.returncode == 130


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("number", "status", "text"), SIGNALS)
def test_bigwigs_end_in_one_line_with_their_processes(run, threads, number, status, text):
    run.command("merge", plan=run.work / "plan.json", out=run.work / "merge.json")
    words = make_words("bigwig", plan=run.work / "plan.json", threads=threads)
    process = start(words, BLOCK)  # several processes do not have it: they are just starting
    lines = stop(process, number, marker="at work" if threads == 1 else "started bigwig")
    assert lines == [f"genometracks bigwig: {text}"] and process.returncode == status
    assert leftovers(run) == [] and not list(run.folder.glob("bigwig/*"))
    end = time.monotonic() + 20  # multiprocessing has a process that ends after the others
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < end:
            os.killpg(process.pid, 0)
            time.sleep(0.05)


def test_a_job_that_waits_for_a_device_ends_in_one_line(make_run, tmp_path):
    run = make_run(shards=2)
    run.plan()
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    words = [word if word != "cpu" else "auto" for word in predict_words(run)]
    given = {"TMPDIR": str(temporary), "CUDA_VISIBLE_DEVICES": "7", "XDG_RUNTIME_DIR": ""}
    first = start(words, BATCH, **given)
    for line in first.stderr:
        if "at work" in line:
            break
    second = start(words, **given)
    lines = stop(second, signal.SIGINT, marker="waiting for a device: 7 taken by other jobs")
    assert lines == ["genometracks predict: interrupted: run again to continue"]
    assert second.returncode == 130
    first.kill()
    first.communicate()


def test_an_ignored_signal_stays_ignored(make_run):
    """`nohup` ignores SIGHUP."""
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stops.raise_on_signals("x: "):
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, former)


def test_signals_are_handled_as_before_after_a_command(capsys, monkeypatch):
    before = [signal.getsignal(number) for number in stops.SIGNALS]

    def interrupt(args):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    monkeypatch.setattr("genometracks.status.read.list_runs", interrupt)
    assert main(["status", "."]) == 143
    err = capsys.readouterr().err
    assert err == "genometracks status: ended by SIGTERM: run again to continue\n"
    assert [signal.getsignal(number) for number in stops.SIGNALS] == before
