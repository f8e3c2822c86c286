"""Command lines in guides, comments and examples name commands, options and targets that exist."""

import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from snakemake.cli import get_argument_parser

from genometracks.commands.table import parse_words

ROOT = Path(__file__).parents[1]
PATTERNS = (
    "*.md",
    "docs/*.md",
    "config/*.md",
    "examples/*/*/*.md",
    "config/*.yaml",
    "config/examples/*.yaml",
    "examples/*/*/*.yaml",
    "workflow/profiles/*/*.yaml",
)
PAGES = [
    path
    for pattern in PATTERNS
    for path in sorted(ROOT.glob(pattern))
    if path.name != "CHANGELOG.md"  # names what existed once
]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def list_code(text: str) -> list[str]:
    """Lines of the blocks of code of a page, without those that show output (`text`)."""
    blocks = [code for language, code in BLOCK.findall(text) if language != "text"]
    return [line for code in blocks for line in code.replace("\\\n", " ").splitlines()]


def list_spans(text: str) -> list[str]:
    """Spans of code in the prose of a page."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", BLOCK.sub("", text))]


def list_comments(text: str) -> list[str]:
    """Comments of a YAML file, and what is in quotes in them."""
    lines = [line.strip().lstrip("# ") for line in text.splitlines() if "#" in line.lstrip()[:1]]
    return [*lines, *(span for line in lines for span in re.findall(r"[`'](.+?)[`']", line))]


def find_commands(lines: Iterable[str], program: str) -> Iterator[list[str]]:
    """Yield the words after a program's name.

    A line may begin with a number, a prompt or another program (`srun ... genometracks status`).
    """
    for line in lines:
        found = re.match(rf"(?:[ \d$]*|.*(?:srun|&&|;) .*?){program} +(?=\S)(.*)", line)
        if found:
            yield split_line(found[1])


def split_line(line: str) -> list[str]:
    """Split as a shell does; what follows `&&`, a pipe or a redirection is another command."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;<>")
    lexer.whitespace_split = True
    words = []
    for word in lexer:
        if set(word) <= set("&|;<>"):
            break
        words.append(word)
    return words


def collect(program: str, *readers) -> list:
    """Every distinct command line of a program, with the page that has it."""
    found = {}
    for page in PAGES:
        readable = [list_comments] if page.suffix == ".yaml" else readers
        text = page.read_text()
        for words in find_commands((line for read in readable for line in read(text)), program):
            found[(page.relative_to(ROOT).as_posix(), *words)] = words
    return [pytest.param(words, id=" ".join(key)) for key, words in found.items()]


def parse(words: list[str], capsys) -> str:
    """Parse a command line of the program; return the parser's error."""
    try:
        assert callable(parse_words(words).function)
    except SystemExit as end:
        return capsys.readouterr().err if end.code else ""  # 0: --help and --version
    return ""


@pytest.mark.parametrize("words", collect("genometracks", list_code))
def test_commands_of_the_program_can_be_parsed(words, capsys):
    assert parse(words, capsys) == ""


@pytest.mark.parametrize("words", collect("genometracks", list_spans))
def test_commands_in_prose_exist(words, capsys):
    error = parse(words, capsys)
    assert not error or "error: the following arguments are required" in error


@pytest.mark.parametrize("words", collect("snakemake", list_code, list_spans))
def test_options_of_snakemake_exist(words):
    options = get_argument_parser()._option_string_actions
    for word in words:
        if word.startswith("-"):
            assert word.split("=")[0] in options, word


@pytest.mark.parametrize("words", collect("make", list_code, list_spans))
def test_targets_of_make_exist(words):
    targets = re.findall(r"^([a-z-]+):(?!=)", (ROOT / "Makefile").read_text(), re.M)
    for word in words:
        assert "=" in word or word in targets, word


@pytest.mark.parametrize("words", collect("python", list_code, list_spans))
def test_scripts_and_modules_exist(words):
    if words[0].endswith(".py"):
        assert (ROOT / words[0]).is_file()
    elif words[:1] == ["-m"] and words[1].startswith(("config.", "grelu_models.", "genometracks.")):
        folder = "workflow" if words[1].startswith("genometracks") else "."
        assert (ROOT / folder / f"{words[1].replace('.', '/')}.py").is_file()


def test_commands_of_a_page_are_found():
    page = """
Then `genometracks  run
my.yaml` runs, and `snakemake` does not.

```
 9  srun -p gpu genometracks preflight my.yaml     # what it takes
$ snakemake -n \\
    --configfile my.yaml > log
```

```text
genometracks serve results/my_run    shows the tracks
```
"""
    assert [*find_commands(list_code(page), "genometracks")] == [["preflight", "my.yaml"]]
    assert [*find_commands(list_spans(page), "genometracks")] == [["run", "my.yaml"]]
    assert [*find_commands(list_code(page), "snakemake")] == [["-n", "--configfile", "my.yaml"]]
    assert [*find_commands(list_spans(page), "snakemake")] == []
    comments = list_comments("# 'make demo' first\n#   snakemake -n\nrun: genometracks # ours\n")
    assert [*find_commands(comments, "make")] == [["demo"]]
    assert [*find_commands(comments, "snakemake")] == [["-n"]]
    assert [*find_commands(comments, "genometracks")] == []
