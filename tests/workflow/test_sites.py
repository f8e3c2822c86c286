"""Sites through the workflow: scores of its tracks; changed sites repeat no prediction."""

import csv
import gzip
import json

import pyBigWig
import pytest
import yaml

from genometracks.cli import main
from pipeline import CPU, planned_rules, run, snakemake, write_project
from site_oracle import average_precision, top_k

pytestmark = pytest.mark.usefixtures("warm_tools")
BASES, BIN = 2000, 4
STARTS = [8, 120, 121, 400, 777, 1200, 1650]
WITHIN = {"file": "g.gtf.gz", "feature": "gene"}
SITES = [
    {"track": "one", "file": "e.gtf.gz", "feature": "exon", "at": "5'", "strand": "+"},
    {"track": "three", "file": "s.bed", "name": "mine", "within": WITHIN, "shift": -2},
]


def write_sites(folder):
    """Exons with a 5' end at each of `STARTS`, some on the other strand, and sites of one base."""
    lines = [f"1\tx\texon\t{at + 1}\t{at + 30}\t.\t+\t.\tid {at};\n" for at in STARTS]
    lines += [f"1\tx\texon\t{at + 1}\t{at + 30}\t.\t-\t.\t\n" for at in (300, 900)]
    lines += ["1\tx\tgene\t1\t1000\t.\t+\t.\t\n"]
    for name in ("e.gtf.gz", "g.gtf.gz"):
        (folder / name).write_bytes(gzip.compress("".join(lines).encode()))
    (folder / "s.bed").write_text("".join(f"chr1\t{at}\t{at + 1}\n" for at in STARTS))


@pytest.fixture(scope="module")
def project(tmp_path_factory, warm_tools):
    folder = tmp_path_factory.mktemp("sites")
    write_sites(folder)
    sites = [{**SITES[0], "aliases": {"chr1": "1"}}, {**SITES[1], "aliases": {"chr1": "1"}}]
    evaluation = {"sites": sites, "held_out": [{"contig": "chr1", "start": 0, "end": 1000}]}
    output = {"parquet": False}
    write_project(
        folder,
        run="sites",
        bases=BASES,
        prediction=CPU,
        evaluation=evaluation,
        output=output,
        shards=3,
    )
    assert {"observed", "evaluate"} <= planned_rules(folder)
    run(folder)
    return folder


def read_rows(folder):
    with open(folder / "results/sites/evaluation.tsv") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_the_table_has_the_scores_of_the_bigwigs(project):
    rows = read_rows(project)
    assert [(r["track"], r["observed"], r["contig"], r["bins_in"]) for r in rows] == [
        (track, name, contig, bins_in)
        for track, name in (("one", "e"), ("three", "mine"))
        for contig in ("*", "chr1")
        for bins_in in ("all", "held_out")
    ]
    for row in rows:
        with pyBigWig.open(str(project / f"results/sites/bigwig/{row['track']}.bw")) as file:
            values = [value for _, _, value in file.intervals("chr1")]
        few = row["bins_in"] == "held_out" or row["observed"] == "mine"
        values = values[: 1000 // BIN] if few else values
        shift = 1 if row["observed"] == "e" else -2
        true = {at // BIN for at in STARTS} & set(range(len(values)))
        moved = {k + shift for k in true} & set(range(len(values)))
        assert (int(row["bins"]), int(row["sites"]), int(row["positives"])) == (
            len(values),
            len(STARTS),
            len(true),
        )
        assert int(row["left_out"]) == sum(at // BIN >= len(values) for at in STARTS)
        for prefix, chosen in (("", true), ("shifted_", moved)):
            labels = [k in chosen for k in range(len(values))]
            for name, score in (("top_k", top_k), ("average_precision", average_precision)):
                expected = score(values, labels)
                assert float(row[prefix + name]) == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_results_are_sealed_summarised_and_verified(project, capsys):
    folder = project / "results/sites"
    manifest = json.loads((folder / "manifest.json").read_text())
    names = {"evaluation.tsv", "figures/sites_0.png", "figures/sites_1.png"}
    assert names <= set(manifest["outputs"]) and "figures/locus.png" not in manifest["outputs"]
    assert [each["file"] for each in manifest["observed"]] == ["e.gtf.gz", "s.bed", "g.gtf.gz"]
    lines = (folder / "summary.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines[5:]] == ["sites", "sites", "tracks"]
    held = read_rows(project)[1]
    assert f"top-k {float(held['top_k']):.4f}, average" in lines[5] and "one and e" in lines[5]
    log = (folder / "logs/observed.log").read_text()
    assert "one and e: 7 sites in 6 bins; 0 left out (not predicted)" in log
    run(project, "--report", "report.html")
    assert "sites_1.png" in (project / "report.html").read_text()


def test_the_other_number_of_shards_gives_the_same_bytes(project, tmp_path):
    for path in project.iterdir():
        if path.is_file() and path.name != "report.html":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    config = yaml.safe_load((project / "config.yaml").read_text())
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({**config, "shards": 7}))
    run(tmp_path)
    for name in ("evaluation.tsv", "figures/sites_0.png", "figures/sites_1.png"):
        data = [(each / "results/sites" / name).read_bytes() for each in (project, tmp_path)]
        assert data[0] == data[1], name


def test_changed_sites_repeat_the_evaluation_alone(project, monkeypatch, capsys):
    before = read_rows(project)
    assert "Nothing to be done" in run(project)
    (project / "s.bed").write_text("chr1\t500\t501\n")
    monkeypatch.chdir(project)
    assert main(["verify", "results/sites"]) == 1
    assert "s.bed: changed since the run" in capsys.readouterr().out
    assert planned_rules(project) == {
        "observed",
        "reference",
        "evaluate",
        "browse",
        "manifest",
        "summary",
        "report",
        "default",
    }
    run(project)
    after = read_rows(project)
    assert after[:4] == before[:4] and after[4] != before[4]
    assert main(["verify", "results/sites"]) == 0


def test_sites_that_do_not_fit_end_the_run_before_any_prediction(project, tmp_path):
    for name in ("g.fa", "m.safetensors", "m.yaml", "e.gtf.gz"):
        (tmp_path / name).write_bytes((project / name).read_bytes())
    config = yaml.safe_load((project / "config.yaml").read_text())
    config["evaluation"] = {"sites": SITES[:1]}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    assert snakemake(tmp_path).returncode != 0
    log = (tmp_path / "results/sites/logs/observed.log").read_text()
    assert (
        "genometracks observed: e.gtf.gz: none of its contigs (1) is in the genome, which has "
        "chr1: give its names in evaluation.sites[0].aliases"
    ) in log
    assert not (tmp_path / "results/sites/bigwig").exists()
