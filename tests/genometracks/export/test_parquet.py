"""The Parquet table holds the values of the shards, in bin order, for pyarrow and DuckDB."""

import csv
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pybigtools
import pyBigWig
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genometracks.bigwig.reader import BigWigReader
from genometracks.cli import main
from genometracks.errors import UserError
from genometracks.export import parquet
from genometracks.export.parquet import write_parquet
from genometracks.export.parquet_folders import list_renamed, name_folders
from genometracks.export.seals import load_seals
from genometracks.plan.plan import Plan
from genometracks.shards.merge import check_shards, read_tracks
from genometracks.tracks.columns import choose_columns
from genometracks.tracks.table import safe_names
from toys import make_words, random_bases


def write(run, folder):
    plan = Plan.load(run.work / "plan.json")
    write_parquet(plan, run.shards(), folder, sidecars=check_shards(plan, run.shards()), run="r")
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
        assert table.column_names == ["start", "one", "two/../etc", "three"]
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
    assert first.schema_arrow.names == ["start", "one", "two/../etc"]
    assert second.schema_arrow.names == ["start", "three"]
    sizes = [first.metadata.row_group(i).num_rows for i in range(first.num_row_groups)]
    assert set(sizes[:-1]) == {32} and 0 < sizes[-1] <= 32
    rows = expected_rows(run, plan)["chr2"]
    assert second.read()["three"].to_pylist() == [row[3] for row in rows]


def test_any_sharding_gives_the_same_files(make_run, tmp_path):
    contents = []
    run = make_run()
    for shards in (1, 7):
        run.planned["shards"] = shards
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


def test_contigs_of_any_accepted_name_are_found_by_their_names(make_run, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    long = ["scaffold" * 38 + end for end in "ab"]
    short = ["..", ".", "%", "a=b", "=x", "-x", "é", "NULL", "chrX", "CHRX", "chr%58"]
    names = [*short, *long, "__HIVE_DEFAULT_PARTITION__"]
    run = make_run(sequences={name: random_bases(130, seed=i) for i, name in enumerate(names)})
    run.plan()
    run.predict()
    folder = tmp_path / "parquet"
    write(run, folder)
    homes = [path.name for path in folder.iterdir() if path.is_dir()]
    assert max(map(len, homes)) <= 255
    assert len({home.lower() for home in homes}) == len(names)
    renamed = pd.read_csv(folder / "_contigs.tsv", sep="\t").set_index("chrom")["contig"]
    assert set(renamed) == {*long, "__HIVE_DEFAULT_PARTITION__"}
    assert [len(chrom) for chrom in renamed.index] == [41, 41, 41]
    table = ds.dataset(folder, partitioning="hive").to_table().to_pandas()
    query = f"from read_parquet('{folder}/*/part-0.parquet', hive_partitioning = true)"
    for found in (table, duckdb.sql(query).df()):
        rows = found.assign(contig=found["chrom"].map(lambda chrom: renamed.get(chrom, chrom)))
        for name, expected in expected_rows(run, Plan.load(run.work / "plan.json")).items():
            own = rows[rows["contig"] == name]
            assert list(zip(own["start"], own["one"], strict=True)) == [row[:2] for row in expected]
    for path in folder.rglob("*.parquet"):
        chrom = unquote(path.parent.name.removeprefix("chrom="))
        contig = pq.read_schema(path).metadata[b"contig"].decode()
        assert contig == renamed.get(chrom, chrom)
    run.command("merge", plan=run.work / "plan.json", out=run.work / "merge.json")
    run.command("parquet", plan=run.work / "plan.json", out=run.folder / "parquet")
    sealed = {result.file for result in load_seals(run.work / "seals" / "parquet.json")}
    assert sealed == {
        path.relative_to(run.folder).as_posix()
        for path in (run.folder / "parquet").rglob("*")
        if path.is_file()
    }
    run.command("bigwig", plan=run.work / "plan.json")
    lengths = dict.fromkeys(names, 130)
    with pyBigWig.open(str(run.folder / "bigwig" / "one.bw")) as first:
        second = pybigtools.open(str(run.folder / "bigwig" / "one.bw"))
        assert first.chroms() == second.chroms() == lengths
        for name, expected in expected_rows(run, Plan.load(run.work / "plan.json")).items():
            assert [row[2] for row in first.intervals(name)] == [row[1] for row in expected]
            assert list(first.intervals(name)) == list(second.records(name))
    with BigWigReader(run.folder / "bigwig" / "one.bw") as ours:
        assert ours.contigs == lengths


def test_no_list_of_contigs_is_written_if_all_have_their_names(run, tmp_path):
    write(run, tmp_path / "parquet")
    assert all(path.is_dir() for path in (tmp_path / "parquet").iterdir())


HOSTILE = [
    *("start", "Start", "END", "chrom", "start_track", "CTCF (liver)/rep 1", "é, \"x\"; 'y'"),
    *("ctcf", "CTCF", "a_b", "a b", "__index_level_0__", "__filename", "filename", "rowid"),
    *("x" * 150, "x" * 151, " padded ", "\u202eabc", "ﬁ", "fi", "a.b"),
]


def test_every_reader_opens_tracks_of_any_name(make_run, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    tracks = [{"name": name, "description": f"the track {name}"} for name in HOSTILE]
    run = make_run(
        model={"n_tasks": len(HOSTILE), "tracks": tracks}, sequences={"a": random_bases(96, seed=0)}
    )
    run.plan()
    run.predict()
    folder = tmp_path / "parquet"
    plan = write(run, folder)
    path = folder / "chrom=a" / "part-0.parquet"
    schema = pq.read_schema(path)
    columns = schema.names[1:]
    assert len({column.lower() for column in columns}) == len(HOSTILE)
    kept = {column for column, name in zip(columns, HOSTILE, strict=True) if column == name}
    assert {"CTCF (liver)/rep 1", "é, \"x\"; 'y'", "x" * 150, "a.b", "a_b"} <= kept
    assert not kept & {"start", "chrom", " padded ", "CTCF", "ﬁ", "filename"}
    assert columns[:5] == [
        "start_track_track",
        "Start_2",
        "END_track",
        "chrom_track",
        "start_track",
    ]
    for field, track in zip(list(schema)[1:], plan.tracks, strict=True):
        about = {key: value.decode() for key, value in field.metadata.items()}
        assert about == {
            **{b"track": track.track, b"name": track.name},
            b"description": f"the track {track.name}",
        }
    values = dict(
        zip(["start", *columns], zip(*expected_rows(run, plan)["a"], strict=True), strict=True)
    )
    whole = pd.read_parquet(folder)
    assert list(whole.columns) == ["start", *columns, "chrom"]
    query = f"read_parquet('{folder}/*/*.parquet', hive_partitioning = true, filename = true)"
    for column in ["start", *columns]:
        quoted = column.replace('"', '""')
        rows = duckdb.sql(f"select \"{quoted}\" from {query} where chrom = 'a'").fetchall()
        assert [row[0] for row in rows] == list(values[column])
        assert pq.read_table(path, columns=[column])[column].to_pylist() == list(values[column])
        dataset = ds.dataset(folder, partitioning="hive")
        assert dataset.to_table(columns=[column])[column].to_pylist() == list(values[column])
        assert whole[column].tolist() == list(values[column])
    settings = {"bigwig": True}
    out = run.folder / "tracks.tsv"
    run.command("tracks", settings=settings, plan=run.work / "plan.json", out=out)
    table = pd.read_csv(out, sep="\t", quoting=csv.QUOTE_NONE)
    assert table["column"].tolist() == columns
    assert table["track"].tolist() == [track.track for track in plan.tracks]
    shown = [" ".join(name.split()) for name in HOSTILE]
    assert table["name"].tolist() == shown


def test_a_file_states_what_it_is(run, tmp_path):
    write(run, tmp_path / "parquet")
    for contig in ("chr2", "tiny"):
        schema = pq.read_schema(tmp_path / "parquet" / f"chrom={contig}" / "part-0.parquet")
        assert schema.metadata == {
            **{b"run": b"r", b"genome": b"run", b"contig": contig.encode()},
            **{b"bin": b"4", b"span": b"4", b"scale": b"model"},
        }
        assert schema.field("start").metadata == {b"description": b"bp, 0-based"}
        assert schema.field("two/../etc").metadata == {
            **{b"track": b"two_.._etc", b"name": b"two/../etc", b"description": b"second"},
        }


def test_the_command_states_the_name_of_the_run(run):
    run.command("parquet", plan=run.work / "plan.json", out=run.folder / "parquet")
    schema = pq.read_schema(run.folder / "parquet" / "chrom=chr2" / "part-0.parquet")
    assert schema.metadata[b"run"] == run.folder.name.encode() == b"run"


@given(st.lists(st.text(max_size=4) | st.sampled_from(HOSTILE), max_size=12))
def test_columns_are_unique_for_any_names(names):
    stems = safe_names(names)
    columns = choose_columns(names, stems)
    folded = [column.casefold() for column in columns]
    assert len(set(folded)) == len(names)
    assert not set(folded) & {"start", "end", "chrom"}
    assert all(column and column.isprintable() for column in columns)


@given(st.lists(st.text("aAbB%41~=/.é", min_size=1, max_size=3), unique=True, max_size=12))
def test_folders_are_unique_ignoring_case_and_decode_to_the_contig(contigs):
    folders = name_folders(contigs)
    assert len({folder.lower() for folder in folders.values()}) == len(contigs)
    assert [unquote(folder) for folder in folders.values()] == [f"chrom={each}" for each in contigs]
    assert list_renamed(folders) == ""


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
