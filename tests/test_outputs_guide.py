"""The snippets of docs/outputs.md run as they are printed, and read the same values."""

import importlib.util
import re
import shlex
import shutil
import subprocess

import pytest

import genometracks
from genometracks.cli import main
from pipeline import ROOT
from toys import Run, random_bases, write_fasta, write_model

GUIDE = (ROOT / "docs" / "outputs.md").read_text()
PYTHON = ("genometracks", "duckdb", "polars", "pandas", "pyBigWig")


def find_blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.M | re.S)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with results/demo, a small run under the names of the demo, and genes.bed."""
    folder = tmp_path_factory.mktemp("guide")
    home = folder / "results" / "demo"
    home.mkdir(parents=True)
    bases = random_bases(5_000, seed=0)
    fasta = write_fasta(folder / "g.fa", {"U00096.3": bases[:2_000] + "N" * 200 + bases[2_200:]})
    tracks = [{"name": "dcas9_chip", "assay": "ChIP-seq"}]
    weights = write_model(folder, tracks=tracks, n_tasks=1)
    run = Run(home, weights, fasta, shards=2)
    run.plan()
    run.predict()
    run.finish()
    (folder / "genes.bed").write_text("U00096.3\t100\t200\tthrA\nU00096.3\t2050\t2100\tthrB\n")
    return folder


@pytest.fixture(scope="module")
def expected(project) -> list[tuple[int, float]]:
    """Start and value of the bins that the snippets read."""
    frame = genometracks.open(project / "results/demo").read("U00096.3", 1_600, 3_200)
    assert len(frame) == (1_600 - 200) // 4 and frame["start"].iloc[0] == 1_600
    return list(zip(frame["start"], frame["dcas9_chip"], strict=True))


def test_the_guide_has_a_snippet_of_each_library():
    assert [re.search(r"^import (\w+)", block)[1] for block in find_blocks("python")] == [*PYTHON]
    assert len(find_blocks("r")) == 1


@pytest.mark.parametrize("library", PYTHON)
def test_python_reads_the_same_values(project, expected, monkeypatch, library):
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    monkeypatch.chdir(project)
    names: dict = {}
    exec(find_blocks("python")[PYTHON.index(library)], names)
    signal = names["signal"]
    if library == "pyBigWig":
        rows = [(start, value) for start, _, value in signal]
    else:
        rows = list(zip(signal["start"], signal["dcas9_chip"], strict=True))
    assert rows == expected


def test_r_reads_the_same_values(project, expected):
    program = shutil.which("Rscript")
    check = 'quit(status = !requireNamespace("rtracklayer", quietly = TRUE))'
    if not program or subprocess.run([program, "-e", check], capture_output=True).returncode:
        pytest.skip("rtracklayer of R is not installed")
    (code,) = find_blocks("r")
    code += 'cat(sprintf("%d %.9g\\n", start(signal) - 1L, score(signal)), sep = "")\n'
    done = subprocess.run([program, "-e", code], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [int(start) for start, _ in rows] == [start for start, _ in expected]
    assert [float(value) for _, value in rows] == pytest.approx(
        [float(value) for _, value in expected], rel=1e-7
    )


def test_the_command_line_reads_the_same_values(project, expected, monkeypatch, capsys):
    monkeypatch.chdir(project)
    printed = []
    (block,) = [block for block in find_blocks("sh") if "genometracks query" in block]
    for line in block.splitlines():
        program, *words = shlex.split(line)
        capsys.readouterr()
        assert program == "genometracks" and main(words) == 0
        printed.append([row.split("\t") for row in capsys.readouterr().out.splitlines()])
    text, bedgraph, genes, nothing = printed
    assert [(int(row[1]), pytest.approx(float(row[3]))) for row in text[1:]] == expected
    assert len(bedgraph) == (5_000 - 200) // 4 and bedgraph[400] == text[1]
    assert [row[3:5] for row in genes[1:]] == [["thrA", "100"], ["thrB", "0"]]
    assert nothing == [] and (project / "signal.parquet").is_file()
