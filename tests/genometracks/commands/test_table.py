"""The command line: its help, its arguments, what it imports, and its errors."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from genometracks.cli import main
from genometracks.config.stages import STAGES
from pipeline import ROOT
from toys import make_words

TYPED = ["init", "run", "explain", "preflight", "status", "serve", "query", "verify", "rerun"]


def shown(capsys, *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main([*words])
    assert ended.value.code == 0
    return capsys.readouterr().out


def show_help(capsys, *words: str) -> str:
    return shown(capsys, *words, "--help")


def test_the_version_is_one_line(capsys):
    assert shown(capsys, "--version") == f"genometracks {version('grelu-tracks')}\n"


def test_without_a_word_the_help_is_shown(capsys):
    assert shown(capsys) == show_help(capsys)


def complete(line: str, folder: Path) -> list[str]:
    """Words that a shell offers at the end of a line."""
    out = folder / "words"
    environment = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_STDOUT_FILENAME": str(out)}
    environment |= {"COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_IFS": "\n"}
    environment |= {"PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}"}
    command = [sys.executable, "-m", "genometracks.cli"]
    subprocess.run(command, env={**os.environ, **environment}, cwd=folder, check=True)
    return [word.strip() for word in out.read_text().splitlines()]


def test_a_shell_completes_commands_options_and_files(tmp_path):
    (tmp_path / "results").mkdir()
    assert complete("genometracks veri", tmp_path) == ["verify"]
    assert set(complete("genometracks ", tmp_path)) >= {*TYPED, *STAGES}
    assert complete("genometracks rerun --res", tmp_path) == ["--results"]
    assert complete("genometracks status res", tmp_path) == ["results/"]


def test_a_job_without_the_library_of_completion_runs(monkeypatch, capsys):
    monkeypatch.setenv("_ARGCOMPLETE", "1")
    monkeypatch.setitem(sys.modules, "argcomplete", None)
    assert shown(capsys, "--version").startswith("genometracks ")


def test_every_stage_is_a_command_in_the_order_of_the_workflow(capsys):
    lines = show_help(capsys).splitlines()
    named = [line.split()[0] for line in lines if line.startswith("  ") and line[2] != "-"]
    assert named == [*TYPED, *STAGES]
    typed, called = (
        lines.index("commands:"),
        lines.index("stages, which the workflow calls in this order:"),
    )
    assert typed < called and lines[called - 2].startswith("  rerun ")
    assert all(len(line) < 100 for line in lines)


@pytest.mark.parametrize("command", [*TYPED, *STAGES])
def test_every_command_describes_itself_and_its_arguments(capsys, command):
    text = show_help(capsys, command)
    assert text.startswith(f"usage: genometracks {command} [-h]")
    description = text.split("\n\n")[1]
    assert description.endswith(".") and description[0].isupper()
    arguments = [line.split() for line in text.splitlines() if line.startswith("  -")]
    assert arguments and "None" not in text


def test_each_rule_gives_a_command_the_arguments_that_it_takes(capsys):
    given = {}
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        for shell in re.findall(r'shell:\s+((?:"[^"]*"\s+)+)', path.read_text()):
            _, stage, *words = "".join(shell.split('"')[1::2]).split()
            given[stage] = {word for word in words if word.startswith("--")}
    assert set(given) == set(STAGES)
    for stage, options in given.items():
        usage = show_help(capsys, stage).split("\n\n")[0]
        known, optional = (set(re.findall(form, usage)) for form in (r"--\w+", r"\[(--\w+)"))
        assert known - optional <= options <= known, stage


@pytest.mark.parametrize("words", [["--help"], ["status", "."], ["merge", "--help"]])
def test_light_commands_import_nothing_heavy(tmp_path, words):
    heavy = {"torch", "pandas", "pyarrow", "matplotlib", "scipy", "huggingface_hub", "snakemake"}
    code = (
        "import sys\n"
        "from genometracks.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        f"sys.exit(','.join({heavy} & set(sys.modules)) or None)"
    )
    (tmp_path / "logs").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tracks", "--settings", "{"], "argument --settings: cannot be read as TrackSettings: "),
        (["tracks", "--settings", "{}"], "missing required field `bigwig`"),
        (
            ["tracks", "--settings", "[" * 100_000],
            "TrackSettings: maximum recursion depth exceeded",
        ),
        (
            ["tracks", "--settings", '{"bigwig": true, "bigwig": true}'],
            "key 'bigwig' is given twice",
        ),
        (["manifest", "--settings", "[]"], "argument --settings: cannot be read as Config: "),
        (["bigwig", "--rows", "5"], "argument --rows: '5' is not first:last"),
        (["merge"], "the following arguments are required: --plan, --out"),
        (["statsu"], "genometracks: error: unknown command 'statsu': did you mean 'status'?"),
        (["verfy", "x"], "genometracks: error: unknown command 'verfy': did you mean 'verify'?"),
        (["plann"], "genometracks: error: unknown command 'plann': did you mean 'plan'?"),
        (["abc"], "unknown command 'abc': genometracks --help lists the commands"),
        (["\x1b[1m"], "unknown command '\\x1b[1m': genometracks --help lists the commands"),
        (["--verbose"], "the following arguments are required: COMMAND"),
    ],
)
def test_wrong_arguments_are_named(capsys, words, message):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("module", [False, True])
def test_an_error_is_one_line_that_names_the_command(tmp_path, capfd, module):
    words = make_words("merge", plan=tmp_path / "plan.json", out=tmp_path / "merge.json")
    if module:
        command = [sys.executable, "-m", "genometracks.cli", *words]
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}"}
        assert subprocess.run(command, env=environment).returncode == 1
    else:
        assert main(words) == 1
    started, error = capfd.readouterr().err.splitlines()
    assert started.endswith(" started merge")
    assert error.startswith(f"genometracks merge: {tmp_path}/plan.json: no usable plan (")


def test_a_stage_logs_what_it_did_and_what_it_took(run, capsys):
    capsys.readouterr()
    run.command("merge", plan=run.work / "plan.json", out=run.work / "merge.json")
    started, message, finished = capsys.readouterr().err.splitlines()
    bins = json.loads((run.work / "merge.json").read_text())["bins"]
    assert started.endswith(" started merge") and message == f"{bins:,} bins, each predicted once"
    assert " finished merge peak " in finished and finished.endswith(" MB")


def test_people_get_no_times(run, capsys):
    capsys.readouterr()
    assert main(["status", str(run.folder)]) == 0
    assert capsys.readouterr().err == ""


def test_an_option_of_snakemake_belongs_after_two_hyphens(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["run", "my.yaml", "--until", "merge"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "genometracks run: error: --until merge: not an option of genometracks run: options of "
        "Snakemake go after --, as in: genometracks run CONFIG -- --until merge"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file: give results/RUN, or the manifest.json in it"),
        (
            "run: my\n",
            "no usable manifest (Expecting value: line 1 column 1 (char 0)): give results/RUN, or "
            "the manifest.json in it",
        ),
    ],
)
def test_a_file_that_is_no_manifest_is_not_to_be_deleted(tmp_path, capsys, text, message):
    given = tmp_path / "my.yaml"
    if text:
        given.write_text(text)
    assert main(["rerun", str(given), "--results", str(tmp_path / "again")]) == 1
    assert capsys.readouterr().err == f"genometracks rerun: {given}: {message}\n"


def test_a_folder_without_a_manifest_cannot_be_repeated(tmp_path, capsys):
    assert main(["rerun", str(tmp_path), "--results", str(tmp_path / "again")]) == 1
    assert capsys.readouterr().err == (
        f"genometracks rerun: {tmp_path}/manifest.json: no such file: give results/RUN, or the "
        "manifest.json in it\n"
    )
