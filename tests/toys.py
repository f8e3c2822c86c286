"""Small models, genomes and runs for tests."""

import json
from pathlib import Path

import numpy as np
import torch
import yaml
from safetensors.torch import save_file

from genometracks.cli import main
from genometracks.common.records import as_plain, from_plain
from genometracks.config.resolve import resolve_config
from genometracks.config.settings import RecipeSettings
from genometracks.inputs.model import FoldFile
from genometracks.plan.geometry import Geometry
from genometracks.plan.plan import Plan, PlannedModel, Settings
from genometracks.plan.tile import Scope, cut_shards, tile_genome
from genometracks.shards.merge import check_shards, read_tracks
from genometracks.tracks.formulas import Formula
from genometracks.tracks.recipe import Recipe
from genometracks.tracks.table import RunTrack
from grelu_models.checkpoint import build_model, load
from grelu_models.geometry import Geometry as ModelGeometry

ARCHITECTURE = {
    "model_type": "ConvModel",
    "n_tasks": 3,
    "stem_channels": 8,
    "stem_kernel_size": 7,
    "n_conv": 3,
    "channel_init": 8,
    "kernel_size": 5,
    "pool_func": "max",
    "pool_size": 2,
    "crop_len": 3,
    "final_pool_func": None,
}
WINDOW = 96
CODE = {base: code for code, base in enumerate("ACGT")}
TRACKS = [
    {"name": "one", "description": "first", "assay": "ChIP"},
    {"name": "two/../etc", "description": "second", "assay": "ATAC"},
    {"name": "three", "description": "", "assay": "ATAC"},
]
STRANDED = [
    {"name": "cage+", "strand_pair": "1"},
    {"name": "cage-", "strand_pair": "0"},
    {"name": "atac", "strand_pair": ""},
]


def write_model(
    folder: Path, *, name: str = "model", tracks=TRACKS, seed: int = 0, **changes
) -> Path:
    """Write a model with random weights and its metadata; return the weights' path."""
    torch.manual_seed(seed)
    architecture = {**ARCHITECTURE, **changes}
    weights = folder / f"{name}.safetensors"
    save_file(build_model(architecture).state_dict(), weights)
    metadata = {"architecture": architecture, "window": WINDOW, "tracks": tracks}
    weights.with_suffix(".yaml").write_text(yaml.safe_dump(metadata))
    return weights


def write_fold(folder, *, seed: int, name: str | None = None, tracks=TRACKS, **changes):
    """Write the toy model with weights drawn with `seed`; return the path of the weights."""
    weights = write_model(folder, name=name or f"fold{seed}", tracks=tracks, **changes)
    torch.manual_seed(seed)
    state = load(weights)[0].state_dict()
    drawn = {
        key: value + 0.3 * torch.randn_like(value) if value.is_floating_point() else value
        for key, value in state.items()
    }
    save_file(drawn, weights)
    return weights


def write_checkpoint(path: Path, *, tensors: dict | None = None, **parts) -> Path:
    """Write a checkpoint in gReLU's layout; `tensors` and `parts` replace or add entries."""
    torch.manual_seed(0)
    state = {f"model.{key}": value for key, value in build_model(ARCHITECTURE).state_dict().items()}
    content = {
        "pytorch-lightning_version": "2.6.6",
        "state_dict": {**state, **(tensors or {})},
        "hyper_parameters": {
            "model_params": ARCHITECTURE,
            "train_params": {"task": "binary", "loss": "bce"},
        },
        "data_params": {
            "tasks": {"name": ["one", "two", "three"], "assay": ["ChIP", None, "ATAC"]},
            "train": {"seq_len": WINDOW},
        },
    }
    torch.save({**content, **parts}, path)
    return path


def random_bases(length: int, *, seed: int) -> str:
    """A random sequence of A, C, G and T."""
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), length))


def write_fasta(path: Path, contigs: dict[str, str], *, width: int = 60, end: str = "\n") -> Path:
    """Write sequences as FASTA."""
    lines = []
    for name, bases in contigs.items():
        lines.append(f">{name} some words")
        lines += [bases[i : i + width] for i in range(0, len(bases), width)]
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


def make_words(name: str, **options) -> list[str]:
    """Arguments of a command: its name, then `--key value` of each option."""
    words = [name]
    for key, value in options.items():
        words += [f"--{key}", json.dumps(value) if key == "settings" else str(value)]
    return words


def recipe_settings(**changes) -> RecipeSettings:
    """Settings of a run without averages that writes all tracks; `changes` replace some."""
    return from_plain(RecipeSettings, changes)


PLAIN = as_plain(recipe_settings())
"""The unchanged settings as plain values."""


def measured_geometry(window: int, bin: int | None, crop: int, length: int) -> ModelGeometry:
    """The geometry measured on a model of one track."""
    return ModelGeometry(window, bin, crop, length, tracks=1)


def plan_by_hand(
    scope: Scope,
    geometry: Geometry,
    *,
    batch: int,
    shards: int,
    tracks: int = 1,
    dtype: str = "float32",
) -> Plan:
    """A plan of tracks t0, t1, ... without a model."""
    measured = ModelGeometry(geometry.window, None, 0, 1, tracks=tracks)
    channels = list(range(tracks))
    formulas = tuple(Formula("mean", (i,)) for i in channels)
    plan = tile_genome(
        scope,
        model=PlannedModel((FoldFile("m", "m", "d", {}),), "d", None, {}, measured),
        geometry=geometry,
        tracks=[RunTrack(f"t{i}", f"t{i}", i, "") for i in channels],
        recipe=Recipe(channels, None, (0,), "activation", formulas, sd=False, scale=None),
        settings=Settings(batch, "fp32", compile=False, dtype=dtype),
    )
    return cut_shards(plan, shards)


class Run:
    """A run and its folder, driven by the command line."""

    def __init__(self, folder: Path, weights: Path | list, fasta: Path, **settings) -> None:
        self.folder, self.weights, self.fasta = folder, weights, fasta
        self.work = folder / "work"
        self.planned = {
            "window": None,
            "batch_size": 4,
            "precision": "fp32",
            "compile": False,
            "stride": None,
            "trim": 0,
            "blend": 0,
            "edges": "pad",
            **PLAIN,
            "dtype": "float32",
            "regions": None,
            "blacklist": None,
            "shards": 2,
            **settings,
        }

    def prepare(self) -> None:
        """Describe the model and the genome."""
        folds = self.weights if isinstance(self.weights, list) else [self.weights]
        work, model = self.work, {"weights": [str(one) for one in folds], "architecture": None}
        model |= {"window": None, "activation": None, "sha256": None, "tracks": None}
        genome = {"fasta": str(self.fasta), "name": None, "contigs": ["*"]}
        self.command("model", settings=model, out=work / "model.json")
        self.command("genome", settings=genome, fasta=work / "genome.fa", out=work / "genome.json")

    def probe(self) -> None:
        """Determine the settings at `auto`."""
        self.prepare()
        unused = (
            "dtype",
            "regions",
            "blacklist",
            *(["shards"] if self.planned["shards"] != "auto" else []),
        )
        self.command(
            "probe",
            settings={key: value for key, value in self.planned.items() if key not in unused},
            model=self.work / "model.json",
            genome=self.work / "genome.json",
            fasta=self.work / "genome.fa",
            device="cpu",
            threads=1,
            out=self.work / "probe.json",
        )

    def plan(self) -> Plan:
        """Plan the run, with the settings that the probe determined if there is one."""
        self.prepare()
        probe = self.work / "probe.json"
        self.command(
            "plan",
            settings=self.planned,
            model=self.work / "model.json",
            genome=self.work / "genome.json",
            out=self.work / "plan.json",
            **({"probe": probe} if probe.exists() else {}),
        )
        return Plan.load(self.work / "plan.json")

    def predict(self, *names: str) -> None:
        """Predict the named shards. Default is all."""
        plan = Plan.load(self.work / "plan.json")
        for name in names or [shard.id for shard in plan.shards]:
            self.command(
                "predict",
                plan=self.work / "plan.json",
                shard=name,
                fasta=self.work / "genome.fa",
                device="cpu",
            )

    def command(self, name: str, **options) -> None:
        """Run a command, which must succeed."""
        assert main(make_words(name, **options)) == 0

    def list_commands(self) -> list[list[str]]:
        """Arguments of every command from the predictions to the results."""
        plan, fasta = self.work / "plan.json", self.work / "genome.fa"
        shards = [shard.id for shard in Plan.load(plan).shards]
        return [
            *(make_words("predict", plan=plan, shard=s, fasta=fasta, device="cpu") for s in shards),
            make_words("merge", plan=plan, out=self.work / "merge.json"),
            make_words("bigwig", plan=plan),
            make_words("parquet", plan=plan, out=self.folder / "parquet"),
        ]

    def finish(self) -> Path:
        """Write all results of the predicted run; return its folder."""
        plan = self.work / "plan.json"
        given = {"genome": {"fasta": str(self.fasta)}, "model": {"weights": str(self.weights)}}
        config = resolve_config({**given, "run": self.folder.name, "shards": 3})
        self.command("merge", plan=plan, out=self.work / "merge.json")
        self.command("tracks", settings={"bigwig": True}, plan=plan, out=self.folder / "tracks.tsv")
        self.command("bigwig", plan=plan)
        self.command("parquet", plan=plan, out=self.folder / "parquet")
        self.command("manifest", settings=config, plan=plan, out=self.folder / "manifest.json")
        self.command(
            "summary",
            settings={"observed": []},
            plan=plan,
            logs=self.folder / "logs",
            out=self.folder / "summary.txt",
        )
        return self.folder

    def shards(self) -> Path:
        """The folder of the shards."""
        return self.work / "shards"

    def array(self) -> np.ndarray:
        """All bins of all shards, in order: (tracks, bins)."""
        names = [shard.id for shard in Plan.load(self.work / "plan.json").shards]
        return np.concatenate([np.load(self.shards() / f"{name}.npy") for name in names], axis=1)

    def notes(self, name: str = "0") -> dict:
        """The notes of a shard's sidecar."""
        return json.loads((self.shards() / f"{name}.json").read_text())["notes"]

    def digests(self) -> list[str]:
        """Digests of the planned shards."""
        return [shard.digest for shard in Plan.load(self.work / "plan.json").shards]


def one_hot(bases: str, start: int, length: int) -> torch.Tensor:
    """One-hot bases (1, 4, length) by a plain loop; zeros for N and past the ends."""
    encoded = torch.zeros(1, 4, length)
    for i, position in enumerate(range(start, start + length)):
        if 0 <= position < len(bases) and bases[position].upper() in CODE:
            encoded[0, CODE[bases[position].upper()], i] = 1
    return encoded


def merged(run: Run) -> dict[str, dict[int, np.ndarray]]:
    """All values of a run as `read_tracks` gives them: {contig: {bin: values (tracks,)}}."""
    plan = Plan.load(run.work / "plan.json")
    found: dict = {contig: {} for contig in plan.lengths}
    rows = range(len(plan.tracks))
    for contig, first, values in read_tracks(
        plan, run.shards(), sidecars=check_shards(plan, run.shards()), rows=rows
    ):
        for k, column in enumerate(values.T, start=first):
            assert k not in found[contig]
            found[contig][k] = column
    return found
