"""A sheet of runs: each row gives a config; errors name line and column."""

import json
import re

import pytest

from genometracks.config.resolve import resolve_config
from genometracks.config.sheet import read_sheet, resolve_runs
from genometracks.errors import UserError
from genometracks.graph.runs import place_runs
from toys import write_fasta, write_model

HEAD = "run\tmodel\tgenome"
BASE = {"runs": "runs.tsv", "prediction": {"trim": 2}, "model": {"window": 96}}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str) -> None:
    with open("runs.tsv", "w") as file:
        file.write(text)


def test_a_row_overrides_keys_of_the_config():
    write(
        f"# all of them\n{HEAD}\tprediction.trim\tgenome.contigs\tmodel.window\tmodel.activation\n"
        "\n"
        "first\tm.safetensors\tg.fa\t\t[a, 'b*']\tauto\tnull\n"
        "2\tm.safetensors\tg.fa\t0\t\t192\texp\n"
    )
    first, second = resolve_runs(BASE)
    assert (first.origin, second.origin) == ("runs.tsv:4", "runs.tsv:5")
    assert first.config["run"] == "first" and second.config["run"] == "2"
    assert first.config["prediction"]["trim"] == 2 and second.config["prediction"]["trim"] == 0
    assert first.config["genome"]["contigs"] == ["a", "b*"]
    assert second.config["genome"]["contigs"] == ["*"]
    assert [entry.config["model"]["window"] for entry in (first, second)] == ["auto", 192]
    assert [entry.config["model"]["activation"] for entry in (first, second)] == [None, "exp"]
    # Each is a config that can also be run alone.
    assert first.config["runs"] is None and resolve_config(first.config) == first.config
    assert BASE["model"] == {"window": 96}


def test_a_cell_may_hold_folds_groups_and_shifts():
    digest = "0" * 63 + "a"
    write(
        f"{HEAD}\tmodel.sha256\toutput.aggregate\tprediction.shifts\toutput.sd\n"
        f"a\t[m.ckpt, n.ckpt]\tg.fa\t[{digest}, null]\t{{by: assay}}\t[-1, 1]\ttrue\n"
        f"b\tm.ckpt\tg.fa\t{digest}\tnull\t\t\n"
    )
    first, second = (entry.config for entry in resolve_runs(BASE))
    assert first["model"]["weights"] == ["m.ckpt", "n.ckpt"]
    assert first["model"]["sha256"] == [digest, None] and first["output"]["sd"] is True
    assert first["output"]["aggregate"] == {"by": "assay", "of": "mean"}
    assert first["prediction"]["shifts"] == [-1, 1]
    assert second["model"]["weights"] == "m.ckpt" and second["model"]["sha256"] == digest
    assert second["output"]["aggregate"] is None and second["prediction"]["shifts"] == [0]


def test_without_a_sheet_there_is_one_run():
    given = {"genome": {"fasta": "g.fa"}, "model": {"weights": "m.safetensors"}}
    (entry,) = resolve_runs(given)
    assert entry.config == resolve_config(given) and entry.origin == "config"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"{HEAD}\n",
            "runs.tsv: has no runs: write a header (run, model, genome) and one row per run",
        ),
        (
            "model\tgenome\nm\tg\n",
            "runs.tsv:1: there is no column 'run': add it, it names the runs",
        ),
        (
            f"{HEAD}\ttrim\na\tm\tg\t1\n",
            "runs.tsv:1: column 'trim' is not a key of the config: use run",
        ),
        (
            f"{HEAD}\tprediction.trimm\na\tm\tg\t1\n",
            "runs.tsv:1: column 'prediction.trimm' is not a key of the config: "
            "did you mean 'prediction.trim'?",
        ),
        (f"{HEAD}\tresults\na\tm\tg\tx\n", "runs.tsv:1: column 'results': all runs share it"),
        (
            f"{HEAD}\tmodel.weights\na\tm\tg\tx\n",
            "runs.tsv:1: column 'model.weights' is given twice",
        ),
        (f"{HEAD}\na\tm\n", "runs.tsv:2: 2 columns, the header has 3"),
        (f"{HEAD}\na\tm\tg\n\tm\tg\n", "runs.tsv:3: column run is empty: name the run"),
        (f"{HEAD}\na\tm\t\n", "runs.tsv:2: genome.fasta is missing: FASTA file"),
        (
            f"{HEAD}\tprediction.trim\na\tm\tg\tx\n",
            "runs.tsv:2: prediction.trim: 'x' is not of type 'integer'",
        ),
        (
            f"{HEAD}\tgenome.contigs\na\tm\tg\t[x\n",
            "runs.tsv:2: column genome.contigs: '[x' cannot be read: correct it",
        ),
        (f"{HEAD}\na/../b\tm\tg\n", "runs.tsv:2: run: 'a/../b' does not match"),
        (
            f"{HEAD}\nshared\tm\tg\n",
            "runs.tsv:2: column run: 'shared' holds shared files: rename the run",
        ),
        (
            f"{HEAD}\nPage\tm\tg\n",
            "runs.tsv:2: column run: 'page' is the page of all runs: rename the run",
        ),
        (
            f"{HEAD}\nreport.html\tm\tg\n",
            "runs.tsv:2: column run: 'report.html' is the report of all runs: rename the run",
        ),
        (
            f"{HEAD}\nruns.txt\tm\tg\n",
            "runs.tsv:2: column run: 'runs.txt' lists all runs: rename the run",
        ),
        (
            f"{HEAD}\ncompare.log\tm\tg\n",
            "runs.tsv:2: column run: 'compare.log' is the log of their report: rename the run",
        ),
        (f"{HEAD}\na\tm\tg\na\tm\tg\n", "runs.tsv:3: run 'a' is also in runs.tsv:2: rename one"),
        (f"{HEAD}\na\tm\tg\nA\tm\tg\n", "runs.tsv:3: run 'A' is also in runs.tsv:2: rename one"),
        ("run,model,genome\na,m,g\n", "runs.tsv:1: columns are separated by commas: use tabs"),
    ],
)
def test_an_invalid_sheet_names_line_and_column(text, message):
    write(text)
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        resolve_runs({"runs": "runs.tsv"})


def test_an_unreadable_sheet_is_a_one_line_error(folder):
    with pytest.raises(UserError, match="^runs.tsv: not a readable sheet of runs: .*: check runs"):
        resolve_runs({"runs": "runs.tsv"})
    (folder / "runs.tsv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="runs.tsv: not a readable sheet of runs: 'utf-8' codec"):
        read_sheet(folder / "runs.tsv")
    with pytest.raises(
        UserError, match="^config: run: the sheet's column run names the runs: remove"
    ):
        resolve_runs({"runs": "runs.tsv", "run": "a"})


def test_equal_genomes_and_models_are_shared(folder):
    write_model(folder, name="m")
    write_fasta(folder / "g.fa", {"a": "ACGT"})
    write(
        f"{HEAD}\tmodel.window\tgenome.contigs\n"
        "a\tm.safetensors\tg.fa\t\t\n"
        "b\tm.safetensors\tg.fa\t192\t\n"
        "c\tm.safetensors\tg.fa\t\t[a]\n"
    )
    a, b, c = place_runs(resolve_runs({"runs": "runs.tsv"}), sheet=True).values()
    assert a.genome == b.genome != c.genome and a.model == c.model != b.model
    assert re.fullmatch(r"results/shared/g-[0-9a-f]{8}", str(a.genome.path))
    assert re.fullmatch(r"results/shared/m-[0-9a-f]{8}", str(a.model.path))
    assert str(a.folder.path) == "results/a" and json.loads(b.settings.model)["window"] == 192
    (folder / "g.fa").unlink()
    with pytest.raises(UserError, match="^runs.tsv:2: g.fa: no such file: check genome.fasta"):
        place_runs(resolve_runs({"runs": "runs.tsv"}), sheet=True)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"run\tmodel\tgenome\na\0\tm\tg.fa\n", r"runs.tsv:2: run: 'a\\x00' has the character U"),
        (b"run\tmodel\tgenome\na\tm\tg\x1b.fa\n", r"runs.tsv:2: genome.fasta: 'g\\x1b.fa' has the"),
        (
            b"run\tmodel\tgenome\na\tm\t" + b"g" * 200_000,
            "runs.tsv: not a readable sheet of runs: f",
        ),
        ("run\tmodel\tgenome\na\tm\tg.fa\n".encode("utf-16"), "runs.tsv: not a readable sheet"),
        (b"run\tmodel\tgenome\trun\na\tm\tg.fa\tb\n", "runs.tsv:1: column 'run' is given twice"),
        (b"run\tmodel\tmodel.weights\na\tm\tn\n", "runs.tsv:1: column 'model.weights' is given tw"),
        (b"run\tmodel\tgenome\n=cmd|' /C calc'!A0\tm\tg\n", "runs.tsv:2: run: .* does not match"),
        (b"run\tmodel\tgenome\n..\tm\tg\n", "runs.tsv:2: run: '..' does not match"),
        (b"run\tmodel\tgenome\n.snakemake\tm\tg\n", "runs.tsv:2: run: '.snakemake' does not"),
        (b"run\tmodel\tgenome\nA\tm\tg\na\tm\tg\n", "runs.tsv:3: run 'a' is also in runs.tsv:2"),
        (b"run\tmodel\tgenome\nShared\tm\tg\n", "runs.tsv:2: column run: 'shared' holds shared"),
        (b"run\toutput.sd\na\t" + b"[" * 3000, "runs.tsv:2: column output.sd: '.*' cannot be read"),
        (b"run\tshards\na\t" + b"9" * 5000, "runs.tsv:2: column shards: '9*...9*' cannot be read"),
        (b"run\tprediction.trim\na\t.nan\n", "runs.tsv:2: prediction.trim: nan is not a finite"),
        (
            b"run\toutput.aggregate\na\t{by: x, by: y}\n",
            "runs.tsv:2: column output.aggregate: .* can",
        ),
        (
            b"run\toutput.aggregate\na\t&a {by: *a}\n",
            "runs.tsv:2: column output.aggregate: .* cannot",
        ),
        (
            b"run\tprediction.trim\na\t2020-01-01\n",
            "runs.tsv:2: prediction.trim: datetime.date.* is",
        ),
        (b"run\toutput.aggregate.by\na\tx\n", "runs.tsv:2: column output.aggregate.by: 'x' cannot"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_hostile_sheet_is_one_error(folder, data, message):
    (folder / "runs.tsv").write_bytes(data)
    given = {**BASE, "output": {"aggregate": None}}
    with pytest.raises(UserError, match=f"^{message}") as caught:
        resolve_runs({**given, "genome": {"fasta": "g.fa"}, "model": {"weights": "m"}})
    assert str(caught.value).isprintable()


def test_lines_may_end_in_carriage_returns(folder):
    (folder / "runs.tsv").write_bytes(b"run\tmodel\tgenome\ra.b\tm\tg.fa\rcon\tm\tg.fa\r")
    assert [run.config["run"] for run in resolve_runs(BASE)] == ["a.b", "con"]


def test_a_sheet_must_be_a_file(folder):
    with pytest.raises(UserError, match="^/dev/zero: not a file: check runs$"):
        resolve_runs({**BASE, "runs": "/dev/zero"})
    with pytest.raises(UserError, match=r"^config: runs: 'a\\x00' has the character U\+0000"):
        resolve_runs({**BASE, "runs": "a\0"})
    with pytest.raises(UserError, match="^x{300}: not a readable sheet of runs: .*File name too"):
        resolve_runs({**BASE, "runs": "x" * 300})
