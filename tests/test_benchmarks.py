"""Parts of the benchmarks, which are run by hand, at toy size."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run(folder: Path, code: str) -> str:
    """Output of Python code that can import the benchmarks' modules and use `folder`."""
    code = f"from pathlib import Path; folder = Path({str(folder)!r}); {code}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "benchmarks")}
    environment["BENCH_RATIOS"] = str(folder / "ratios")
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_shards_for_the_merge_can_be_made_and_written(tmp_path):
    code = "import merge; plan = merge.make_run(folder, bins=1024, shards=2, tracks=2);"
    code += "print(merge.write_bigwig(plan).peak > 1)"
    assert run(tmp_path, code) == "True\n"
    assert len(list((tmp_path / "bigwig").glob("*.bw"))) == 2


def test_a_genome_of_scattered_n_can_be_scanned(tmp_path):
    code = "import scan; found = scan.scan(folder, bases=1003, scattered=True); print(found[1] > 1)"
    assert run(tmp_path, code) == "True\n"
    assert (tmp_path / "genome.fa").read_text() == f">chr1\n{'ACGTN' * 200}ACG\n"


def test_a_simulated_genome_can_be_planned(tmp_path):
    code = "import plan; found = plan.measure_genome(folder, [50_000], runs=3, shards=2, regions=4)"
    assert int(run(tmp_path, f"{code}; print(found[1])")) > 0


def test_a_dry_run_lists_the_predictions(tmp_path):
    assert (
        run(tmp_path, "import graph; print(graph.measure_shards(folder, 7, repeat=1)[0])") == "7\n"
    )


def test_a_light_run_is_timed(tmp_path):
    code = "import os, sys, light; own = str(Path(sys.executable).parent);"
    code += "os.environ['PATH'] = own + os.pathsep + os.environ['PATH'];"
    code += "light.BASES = 3_000; used = light.time_run(light.RUN);"
    assert run(tmp_path, f"{code} print(used.wall > 0 and used.cpu > 0)") == "True\n"


def test_a_run_for_queries_can_be_made_and_asked(tmp_path):
    code = "import query as q; big = q.make_big_run(folder / 'big', tracks=12, bases=40_960);"
    code += "found = [q.ask(big, w, bases=40_960, repeat=1) for w in (['--end'], ['--bed'])];"
    code += "print([len(used.stdout) > 1_000 for used in found])"
    assert run(tmp_path, code) == "[True, True]\n"


SMALL = "import predict; predict.FAMILIES['demo'] = (None, 2048, 2, 9_000, 'float32');"


def test_a_shard_is_timed_against_the_bare_loop(tmp_path):
    row = run(tmp_path, f"{SMALL} print(predict.measure('demo', 1))")
    assert row.startswith("| demo | 7 x 2,048 | 1 | ")
    (noted,) = (tmp_path / "ratios").read_text().splitlines()
    assert json.loads(noted)["name"] == "predict / bare loop: demo"


def test_averages_are_timed_against_a_plain_run(tmp_path):
    code = f"{SMALL} import average; case = 'three folds';"
    code += "print(average.measure('demo', case, average.CASES[case], 1))"
    assert run(tmp_path, code).startswith("| demo | three folds | 7 / 7 | ")
    (noted,) = (tmp_path / "ratios").read_text().splitlines()
    assert json.loads(noted)["name"] == "average / plain: demo, three folds"


def test_readers_of_bigwigs_are_compared_on_damaged_files(tmp_path):
    code = "import bigwig_reader as b; found = b.compare_damage(folder, 9);"
    code += "print(sum(found['ours'].values()), sum(found['pybigtools, bins'].values()))"
    assert run(tmp_path, code) == "9 9\n"


def test_a_ratio_is_shown_with_its_goal(tmp_path):
    code = (
        "from goals import *; note('merge, bytes a bin', 5); note('merge / pyBigWig, per core', 4);"
    )
    code += "print(make_table(read_notes(folder / 'ratios')))"
    table = run(tmp_path, code).splitlines()
    assert "| merge, bytes a bin | 5 | <= 4.6 | **no** |" in table
    assert "| merge / pyBigWig, per core | 4 | >= 4 | yes |" in table
    assert "| plan of 48 million windows, s | not measured | < 10 | - |" in table
