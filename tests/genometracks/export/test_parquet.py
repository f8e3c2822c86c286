"""The Parquet table holds the values of the shards, in bin order, for pyarrow and DuckDB."""

import numpy as np
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from genometracks.cli import main
from genometracks.errors import UserError
from genometracks.export import parquet
from genometracks.export.parquet import write_parquet
from genometracks.plan.plan import Plan
from genometracks.shards.merge import check_shards, read_tracks
from toys import make_words, random_bases


def write(run, folder):
    plan = Plan.load(run.work / "plan.json")
    write_parquet(plan, run.shards(), folder, sidecars=check_shards(plan, run.shards()))
    return plan


def expected_rows(run, plan) -> dict[str, list[tuple]]:
    rows: dict = {}
    sidecars = check_shards(plan, run.shards())
    for contig, first, values in read_tracks(
        plan, run.shards(), sidecars=sidecars, rows=range(len(plan.tracks))
    ):
        for k, column in enumerate(values.T.tolist(), start=first):
            rows.setdefault(contig, []).append((k * 4, *column))
    return rows


def test_rows_are_the_shards_bins_in_order(run, tmp_path):
    plan = write(run, tmp_path / "parquet")
    for contig, rows in expected_rows(run, plan).items():
        table = pq.read_table(tmp_path / "parquet" / f"chrom={contig}" / "part-0.parquet")
        assert table.column_names == ["start", "one", "two_.._etc", "three"]
        assert list(zip(*(column.to_pylist() for column in table.columns), strict=True)) == rows


def test_duckdb_and_pyarrow_read_the_contig_from_the_folder(run, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    plan = write(run, tmp_path / "parquet")
    rows = expected_rows(run, plan)
    found = duckdb.sql(
        f"select start, one from read_parquet('{tmp_path}/parquet/**/*.parquet') "
        "where chrom = 'chr2' and start between 100 and 200 order by start"
    ).fetchall()
    assert found == [(row[0], row[1]) for row in rows["chr2"] if 100 <= row[0] <= 200]
    table = ds.dataset(tmp_path / "parquet", partitioning="hive").to_table()
    assert table.num_rows == sum(map(len, rows.values()))
    assert set(table["chrom"].to_pylist()) == set(rows)


def test_columns_have_suitable_encodings_and_statistics(run, tmp_path):
    write(run, tmp_path / "parquet")
    group = pq.ParquetFile(tmp_path / "parquet/chrom=chr2/part-0.parquet").metadata.row_group(0)
    start, one = group.column(0), group.column(1)
    assert start.statistics.min == 0 and one.statistics is None
    assert "DELTA_BINARY_PACKED" in start.encodings and "BYTE_STREAM_SPLIT" in one.encodings
    assert one.compression == "ZSTD"


def test_row_groups_and_parts_are_cut_by_bins_and_tracks_not_by_shards(run, tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROWS", 32)
    monkeypatch.setattr(parquet, "COLUMNS", 2)
    plan = write(run, tmp_path / "parquet")
    folder = tmp_path / "parquet" / "chrom=chr2"
    first, second = (pq.ParquetFile(folder / f"part-{i}.parquet") for i in (0, 1))
    assert first.schema_arrow.names == ["start", "one", "two_.._etc"]
    assert second.schema_arrow.names == ["start", "three"]
    sizes = [first.metadata.row_group(i).num_rows for i in range(first.num_row_groups)]
    assert set(sizes[:-1]) == {32} and 0 < sizes[-1] <= 32
    rows = expected_rows(run, plan)["chr2"]
    assert second.read()["three"].to_pylist() == [row[3] for row in rows]


def test_any_sharding_gives_the_same_files(make_run, tmp_path):
    contents = []
    for shards in (1, 7):
        run = make_run(f"run{shards}", shards=shards)
        run.plan()
        run.predict()
        folder = tmp_path / f"parquet{shards}"
        write(run, folder)
        contents.append({p.relative_to(folder): p.read_bytes() for p in folder.rglob("*.parquet")})
    assert len(contents[0]) == 4 and contents[0] == contents[1]


def test_any_number_of_processes_writes_the_same_parts(make_run, capfd):
    tracks = [{"name": f"t{i}"} for i in range(2 * parquet.COLUMNS + 1)]
    model = {"n_tasks": len(tracks), "tracks": tracks}
    run = make_run(model=model, sequences={"a": random_bases(300, seed=1), "b": "ACGT" * 20})
    run.plan()
    run.predict()
    contents = []
    for threads in (1, 2, 5):
        folder = run.folder / f"parquet{threads}"
        run.command("parquet", plan=run.work / "plan.json", out=folder, threads=threads)
        contents.append({p.relative_to(folder): p.read_bytes() for p in folder.rglob("*.parquet")})
    assert len(contents[0]) == 2 * 3 and contents.count(contents[0]) == 3
    merged = run.work / "merge.json"
    run.command("merge", plan=run.work / "plan.json", out=merged)
    data = run.shards() / "0.npy"
    data.write_bytes(data.read_bytes()[:-1] + b"x")
    words = make_words("parquet", plan=run.work / "plan.json", out=run.folder / "p", threads=2)
    assert main(words) == 1
    assert f"{data}: the data changed since it was written" in capfd.readouterr().err
    assert not merged.exists()  # withdrawn, although another process found the damage
    assert not list(run.folder.glob("*p")) and not list(run.folder.glob(".*"))


def test_a_contig_name_cannot_leave_the_folder(make_run, tmp_path):
    run = make_run(sequences={"../../x": "ACGT" * 40, "a|b=c": "GATTACA" * 9})
    run.plan()
    run.predict()
    write(run, tmp_path / "out" / "parquet")
    files = (p.relative_to(tmp_path / "out") for p in (tmp_path / "out").rglob("*.parquet"))
    assert sorted(map(str, files)) == [
        "parquet/chrom=..%2F..%2Fx/part-0.parquet",
        "parquet/chrom=a%7Cb%3Dc/part-0.parquet",
    ]
    table = ds.dataset(tmp_path / "out" / "parquet", partitioning="hive").to_table()
    assert set(table["chrom"].to_pylist()) == {"../../x", "a|b=c"}


def test_a_damaged_shard_leaves_no_table(run, tmp_path):
    data = run.shards() / "1.npy"
    broken = bytearray(data.read_bytes())
    broken[-1] ^= 1
    data.write_bytes(broken)
    with pytest.raises(UserError, match="the data changed since it was written"):
        write(run, tmp_path / "out" / "parquet")
    assert list((tmp_path / "out").iterdir()) == []


def test_values_survive_to_the_last_bit(run, tmp_path):
    plan = write(run, tmp_path / "parquet")
    tables = [
        pq.read_table(tmp_path / "parquet" / f"chrom={contig}" / "part-0.parquet")
        for contig in plan.segments
    ]
    stored = np.concatenate([table["three"].to_numpy() for table in tables])
    shards = np.concatenate([np.load(run.shards() / f"{i}.npy")[2] for i in range(3)])
    assert stored.tobytes() == shards.tobytes()
