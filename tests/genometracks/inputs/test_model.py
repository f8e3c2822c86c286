"""The model stage, with a checkpoint saved by gReLU."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from genometracks.config.resolve import resolve_config
from toys import Run, random_bases, write_fasta

ROOT = Path(__file__).parents[3]
TINY = ROOT / "tests" / "grelu_models" / "tiny.ckpt"


def test_a_checkpoint_needs_no_file_that_describes_it(tmp_path):
    fasta = write_fasta(tmp_path / "genome.fa", {"chr1": random_bases(301, seed=1)})
    run = Run(tmp_path, TINY, fasta, tracks=["kidney*"])
    plan = run.plan()
    assert [track.track for track in plan.tracks] == ["kidney_+", "kidney_-"]
    assert [track.metadata["assay"] for track in plan.tracks] == ["ATAC", "RNA"]
    described = json.loads((run.work / "model.json").read_text())
    assert described["activation"] == "exp" and described["train"]["grelu_version"] == "1.1.0"
    assert described["geometry"] == {"window": 64, "bin": 4, "crop": 1, "length": 14, "tracks": 3}
    run.predict()
    values = np.concatenate([np.load(path) for path in sorted(run.shards().glob("*.npy"))], axis=1)
    assert values.shape == (2, 76) and values.min() > 0


def test_the_log_names_the_description_beside_the_weights(make_run, capsys):
    run = make_run()
    run.prepare()
    line = f"{run.weights}: described by run_model.yaml beside the weights"
    assert line in capsys.readouterr().err.splitlines()
    assert "beside" not in (run.work / "model.json").read_text()


def test_the_snakefile_reads_a_checkpoints_tracks_without_torch():
    config = resolve_config({"genome": {"fasta": "g.fa"}, "model": {"weights": str(TINY)}})
    code = (
        "import sys; from genometracks.config.sections import Config;"
        "from genometracks.graph.runs import place_run;"
        f"tracks = place_run(Config.of({config!r})).tracks;"
        "assert tracks == ('liver', 'kidney_+', 'kidney_-');"
        "sys.exit('torch' in sys.modules)"
    )
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
