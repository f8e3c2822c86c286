"""Reference data, page and hub through the workflow: made, checked early, restored, left out."""

import json
import re
import shutil

import pyBigWig
import pytest
import yaml

from genometracks.cli import main
from pipeline import CPU, planned_rules, run, snakemake, write_project
from toys import random_bases, write_fasta

pytestmark = pytest.mark.usefixtures("warm_tools")
BASES = 3000
GTF = """chr1\tx\ttranscript\t101\t900\t.\t-\t.\tgene_id "g"; transcript_id "t"; gene_name "G<1>";
chr1\tx\texon\t101\t200\t.\t-\t.\tgene_id "g"; transcript_id "t"; gene_name "G<1>";
chr1\tx\texon\t701\t900\t.\t-\t.\tgene_id "g"; transcript_id "t"; gene_name "G<1>";
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory, warm_tools):
    """A finished run with an annotation, regions, sites and an observed track."""
    folder = tmp_path_factory.mktemp("browse")
    (folder / "genes.gtf").write_text(GTF)
    (folder / "regions.bed").write_text("chr1\t0\t2000\n")
    (folder / "sites.bed").write_text("chr1\t500\t501\nchr1\t800\t801\n")
    with pyBigWig.open(str(folder / "seen.bw"), "w") as out:
        out.addHeader([("chr1", BASES)])
        out.addEntries("chr1", 0, values=[i % 7 / 2 for i in range(BASES)], span=1, step=1)
    write_project(
        folder,
        run="shown",
        bases=BASES,
        genome={"fasta": "g.fa", "annotation": "genes.gtf", "regions": "regions.bed"},
        prediction=CPU,
        evaluation={
            "observed": [{"track": "one", "bigwig": "seen.bw", "name": "seen"}],
            "sites": [{"track": "one", "file": "sites.bed", "name": "my sites"}],
        },
        browser={"locus": "chr1:100-1100", "group_by": ["assay"], "email": "me@lab.org"},
        shards=2,
    )
    run(folder)
    return folder


@pytest.fixture
def copied(project, tmp_path):
    """A copy of the project, which a test may change."""
    return shutil.copytree(project, tmp_path / "project")


def change(folder, section, **values):
    """Change keys of a section of the config."""
    path = folder / "config.yaml"
    config = yaml.safe_load(path.read_text())
    config[section] = {**config.get(section, {}), **values}
    path.write_text(yaml.safe_dump(config))


def test_everything_is_written_and_sealed(project, monkeypatch, capsys):
    folder = project / "results/shown"
    outputs = json.loads((folder / "manifest.json").read_text())["outputs"]
    shown = ["chrom.sizes", "genes.bb", "observed/seen.bw", "regions.bb", "sites/my_sites.bb"]
    assert {f"reference/{name}" for name in shown} <= set(outputs)
    assert {"page/index.html", "page/data.json", "hub/hub.txt", "hub/g.2bit"} <= set(outputs)
    for room in ("reference", "page", "hub"):
        files = {
            path.relative_to(folder).as_posix()
            for path in (folder / room).rglob("*")
            if path.is_file() and path.name != ".snakemake_timestamp"
        }
        assert files == {name for name in outputs if name.startswith(f"{room}/")}
    monkeypatch.chdir(project)
    assert main(["verify", "results/shown"]) == 0
    assert "email me@lab.org" in (folder / "hub/hub.txt").read_text()
    with pyBigWig.open(str(folder / "reference/genes.bb")) as genes:
        ((start, end, _),) = genes.entries("chr1", 0, BASES)
    assert (start, end) == (100, 900)
    with pyBigWig.open(str(folder / "reference/regions.bb")) as regions:
        assert regions.entries("chr1", 0, BASES) == [(0, 2000, "")]


@pytest.mark.parametrize("room", ["reference", "hub", "page"])
def test_a_deleted_folder_is_written_again_without_a_prediction(copied, room):
    folder = copied / "results/shown"
    before = {p: p.read_bytes() for p in (folder / room).rglob("*") if p.is_file()}
    shutil.rmtree(folder / room)
    assert not {"predict", "bigwig", "plan"} & planned_rules(copied)
    run(copied)
    after = {p: p.read_bytes() for p in (folder / room).rglob("*") if p.is_file()}
    assert after == before


def test_a_changed_file_of_the_page_is_found(copied, monkeypatch, capsys):
    page = copied / "results/shown/page"
    (page / "page.js").write_text("alert(1)")
    monkeypatch.chdir(copied)
    assert main(["verify", "results/shown"]) == 1
    out = "".join(capsys.readouterr())
    assert "page/page.js" in out
    assert "delete the folder results/shown/page and run again" in out


def test_other_settings_of_the_page_repeat_no_prediction(copied):
    change(copied, "browser", locus="chr1:1-500")
    planned = planned_rules(copied)
    assert {"reference", "browse"} <= planned
    assert not {"predict", "merge", "bigwig", "parquet", "plan", "evaluate"} & planned
    run(copied)
    assert "chr1:2-500" in (copied / "results/shown/hub/igv_session.xml").read_text()


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        ("browser", {"locus": "chr9:1-5"}, "browser.locus: no contig 'chr9': did you mean chr"),
        ("browser", {"group_by": ["tissue"]}, "browser.group_by: the tracks have no column"),
        ("genome", {"annotation": "other.gtf"}, "other.gtf: none of its contigs (2) is in the"),
        ("genome", {"aliases": "aliases.tsv"}, "aliases.tsv:1: "),
    ],
)
def test_what_does_not_fit_is_reported_before_the_prediction(copied, section, values, message):
    shutil.rmtree(copied / "results")
    (copied / "other.gtf").write_text(GTF.replace("chr1", "2"))
    (copied / "aliases.tsv").write_text("chr7\n")
    change(copied, section, **values)
    done = snakemake(copied)
    assert done.returncode == 1
    assert message in (copied / "results/shown/logs/reference.log").read_text()
    assert not (copied / "results/shown/page").exists()
    started = re.findall(r"^(?:local)?rule (\w+):", done.stderr, re.M)
    assert started.index("reference") < ([*started, "predict"]).index("predict")


@pytest.mark.parametrize(
    ("section", "values"), [("browser", {"write": False}), ("output", {"bigwig": False})]
)
def test_nothing_is_written_where_the_config_says_so(copied, section, values):
    shutil.rmtree(copied / "results")
    change(copied, section, **values)
    assert not {"reference", "browse"} & planned_rules(copied)


def test_the_runs_of_a_sheet_are_on_one_page(tmp_path):
    write_project(tmp_path, run="x", bases=900, prediction=CPU, shards=1)
    write_fasta(tmp_path / "h.fa", {"chr2": random_bases(800, seed=4)})
    config = yaml.safe_load((tmp_path / "config.yaml").read_text())
    del config["run"], config["genome"]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({**config, "runs": "runs.tsv"}))
    rows = ["run\tgenome\tbrowser.write", "a\tg.fa\ttrue", "b\th.fa\ttrue", "c\tg.fa\tfalse"]
    (tmp_path / "runs.tsv").write_text("\n".join(rows) + "\n")
    run(tmp_path)
    page = tmp_path / "results/page"
    data = json.loads((page / "data.json").read_text())
    assert [each["name"] for each in data["runs"]] == ["a", "b"]
    for shown in data["runs"]:
        reference = data["references"][shown["reference"]]
        assert (page / reference["fasta"]).is_file()
    assert not (tmp_path / "results/c/page").exists()
    assert planned_rules(tmp_path) == set()
