"""The commands of docs/tutorial.md run as printed, and print what is printed there.

The genome has the length and the contig of the demo's, with N in most places, and the measurements
are made up: numbers differ, and are not compared.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyBigWig
import pytest

import pipeline
from pipeline import ROOT
from toys import random_bases

LENGTH = 4_641_652
KNOWN = [(0, 1_296_000), (4_480_000, 4_520_000)]
"""Intervals that are not N: about 1,000 windows, four shards whatever the size of a batch."""
STEP = 50
"""Bases of a measured value."""

ELSEWHERE = ("git", "cut")
"""First words of blocks that need a network, or whose output depends on the data."""

EDITS: dict[int, tuple[str, str]] = {
    0: ("  locus: U00096.3:4,480,000-4,520,000", "  group_by: [assay]"),
    1: ("  trim: 0", "  trim: 10"),
}
"""What is replaced in the config before which use of `genometracks explain`."""


def read_blocks() -> list[tuple[str, str, str]]:
    """Blocks of code with what they print: (language, code, output)."""
    text = (ROOT / "docs/tutorial.md").read_text()
    blocks: list[tuple[str, str, str]] = []
    for language, code in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S):
        if language == "text":
            *kept, (last, source, output) = blocks
            blocks = [*kept, (last, source, output + code)]
        else:
            blocks.append((language, code, ""))
    return blocks


@pytest.fixture
def project(tmp_path, warm_tools) -> Path:
    """A folder with files under the names of the tutorial."""
    demo = tmp_path / "data/demo"
    demo.mkdir(parents=True)
    bases = np.full(LENGTH, "N")
    for start, end in KNOWN:
        bases[start:end] = list(random_bases(end - start, seed=start))
    text = "".join(bases)
    lines = [text[start : start + 80] for start in range(0, LENGTH, 80)]
    (demo / "MG1655_U00096.fasta").write_text("\n".join([">U00096.3", *lines, ""]))
    gene = "U00096.3\tGenbank\tgene\t337\t2799\t.\t+\t.\tID=gene-b0002;Name=thrA;gene=thrA\n"
    (demo / "MG1655_U00096.gff3").write_text(gene)
    for number in (1, 2):
        with pyBigWig.open(str(demo / f"ChIP-ACCCA-{number}.bw"), "w") as file:
            file.addHeader([("NC_000913", LENGTH)])
            for start, end in KNOWN:
                count = (end - start) // STEP
                values = np.random.default_rng(start + number).gamma(2, 100, count)
                file.addEntries("NC_000913", start, values=values, span=STEP, step=STEP)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/demo").symlink_to(ROOT / "config/demo")
    return tmp_path


def run_block(project: Path, language: str, code: str) -> str:
    """Output of a block: the first two lines of a server, or all that a program prints."""
    tools = pipeline.tools
    variables = {
        **os.environ,
        "PATH": f"{tools}:{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}",
        "CUDA_VISIBLE_DEVICES": "",
    }
    how = {"cwd": project, "env": variables, "text": True}
    if "genometracks serve" in code:
        words = [f"{tools}/genometracks", *shlex.split(code)[1:]]
        with subprocess.Popen(words, stdout=subprocess.PIPE, **how) as server:
            lines = [server.stdout.readline() for _ in range(2)]
            server.kill()
        return "".join(lines)
    words = [sys.executable, "-c", code] if language == "python" else ["bash", "-ec", code]
    done = subprocess.run(words, capture_output=True, timeout=240, **how)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def mask(line: str) -> str:
    """A line without numbers, their units and widths of columns."""
    line = re.sub(r"-?\d[\d.,:]*(e-\d+)?( [kMG]?B\b| k?bp/s)?", "#", line)
    return " ".join(line.split())


def edit(config: Path, old: str, new: str) -> None:
    text = config.read_text()
    assert text.count(old) == 1
    config.write_text(text.replace(old, new))


def test_commands_of_the_tutorial_print_what_it_shows(project):
    config, explained, seen = project / "my_run.yaml", 0, []
    for language, code, output in read_blocks():
        if language == "yaml":
            example = re.search(r"^# Observed tracks;.*\Z", config.read_text(), re.M | re.S)
            edit(config, example[0], code)
            continue
        if code.split()[0] in ELSEWHERE:
            continue
        if "genometracks explain" in code:
            edit(config, *EDITS[explained])
            explained += 1
        printed = {mask(line) for line in run_block(project, language, code).splitlines()}
        wanted = [line for line in output.splitlines() if line != "..." and "━" not in line]
        for line in wanted:
            assert line.strip() == "..." or mask(line) in printed, (line, sorted(printed))
        seen.append((code.split()[:2], len(wanted)))
    assert explained == 2
    assert [words[1] for words, lines in seen if words[0] == "genometracks" and lines] == (
        "init preflight run serve query explain explain verify".split()
    )
