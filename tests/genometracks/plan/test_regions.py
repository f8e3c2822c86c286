"""Regions and blacklist: a part of the genome, on the bin grid of the whole genome."""

import re

import numpy as np
import pytest

from toys import merged


def test_regions_have_the_whole_genomes_values_in_the_bins_they_touch(make_run, tmp_path, contigs):
    rows = [("chr2", 559, 641), ("chr2", 600, 700), ("chr10", 500, 570), ("tiny", 3, 4)]
    bed = tmp_path / "regions.bed"
    bed.write_text("".join(f"{contig}\t{start}\t{end}\n" for contig, start, end in rows))
    whole, part = make_run("whole", trim=4), make_run("part", trim=4, regions=str(bed))
    for run in (whole, part):
        run.plan()
        run.predict()
    every, found = merged(whole), merged(part)
    for contig in contigs:
        touched = {
            k
            for k in every[contig]
            if any(row[0] == contig and row[1] < 4 * k + 4 and 4 * k < row[2] for row in rows)
        }
        assert set(found[contig]) == touched
        for k in touched:
            # A window's place in its batch may change the rounding.
            np.testing.assert_allclose(found[contig][k], every[contig][k], rtol=1e-5, atol=1e-7)
    assert len(found["chr2"]) == 175 - 139 and set(found["tiny"]) == {0} and not found["chr1"]


def test_regions_added_at_the_end_keep_the_earlier_shards(make_run, tmp_path):
    digests, text = [], "chr10\t100\t560\nchr2\t0\t300\n"
    run = make_run(shards=4, regions=str(tmp_path / "r.bed"))
    for more in ("", "chr2\t700\t760\n", "tiny\t0\t21\n"):
        text += more
        (tmp_path / "r.bed").write_text(text)
        digests.append([shard.digest for shard in run.plan().shards])
        run.predict()
    assert [len(each) for each in digests] == [3, 4, 4]
    assert digests[1][:3] == digests[2][:3] == digests[0]


def test_a_blacklist_makes_bins_absent_like_runs_of_n(make_run, tmp_path, contigs):
    # chr2 is N from 300 to 550; bins are 4 bp wide.
    (tmp_path / "b.bed").write_text("chr2\t550\t603\nchr2\t8\t11\nchr10\t0\t570\n")
    run = make_run(blacklist=str(tmp_path / "b.bed"))
    plan = run.plan()
    run.predict()
    found = merged(run)
    assert not found["chr10"]
    assert sorted(found["chr2"]) == [*range(75), *range(150, 251)]
    assert plan.genome.blacklist.bed == str(tmp_path / "b.bed")


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("regions", "chr2\t320\t500\n", "no bin touches a region, or all of its bases are N"),
        ("regions", "", "no bin touches a region"),
        ("regions", "chr9\t320\t500\n", r"none of its contigs \(chr9\) is in the genome"),
        ("blacklist", "a\t0\t90\n", "every base of the contigs is N or blacklisted"),
    ],
)
def test_nothing_left_to_predict_is_an_error(make_run, tmp_path, capsys, key, text, message):
    (tmp_path / "x.bed").write_text(text)
    sequences = {"a": "ACGTACGTAC" * 9} if key == "blacklist" else None
    run = make_run(sequences=sequences, **{key: str(tmp_path / "x.bed")})
    with pytest.raises(AssertionError):
        run.plan()
    assert re.search(message, capsys.readouterr().err)


def test_regions_on_other_contigs_are_counted(make_run, tmp_path, capsys):
    (tmp_path / "r.bed").write_text("chr2\t0\t50\nchrM\t0\t50\nchrM\t90\t95\n")
    make_run(regions=str(tmp_path / "r.bed")).plan()
    note = "genome.regions: intervals on contigs that are not predicted: 2\n"
    assert note in capsys.readouterr().err
