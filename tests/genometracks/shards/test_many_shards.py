"""A run of many shards is written with few files open."""

import os
import subprocess
import sys

from genometracks.plan.plan import Plan
from toys import random_bases

FILES = 24
"""Files that a process may have open: far fewer than there are shards."""
CODE = f"""
import resource, sys
from genometracks.cli import main
resource.setrlimit(resource.RLIMIT_NOFILE, ({FILES}, {FILES}))
sys.exit(main(sys.argv[1:]))
"""


def write_results(run) -> dict[str, bytes]:
    """Merge a predicted run and write its tracks, each stage a process with few files."""
    for words in run.list_commands()[-3:]:
        done = subprocess.run(
            [sys.executable, "-c", CODE, *words],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    files = [*run.folder.glob("bigwig/*.bw"), *run.folder.glob("parquet/**/*.parquet")]
    return {str(path.relative_to(run.folder)): path.read_bytes() for path in files}


def test_shards_are_never_open_all_at_once(make_run):
    sequences = {"chr1": random_bases(4500, seed=0), "chr2": random_bases(901, seed=1)}
    results = []
    run = make_run(sequences=sequences, batch_size=1)
    for shards in (1, 4 * FILES):
        run.planned["shards"] = shards
        run.plan()
        run.predict()
        results.append(write_results(run))
    assert len(Plan.load(run.work / "plan.json").shards) > 3 * FILES
    assert len(results[0]) == 5
    assert results[0] == results[1]
