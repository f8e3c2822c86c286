"""The runs' folders: where every file of a run stands, and what may be asked before it starts.

Imports nothing heavy: the workflow calls it each time it is parsed, by every job.
"""

import hashlib
import json
import os
import re
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from genometracks.config.resolve import (
    OF_AVERAGE,
    OF_OUTPUT,
    choose_forward_settings,
    choose_plan_settings,
    list_folds,
)
from genometracks.config.sheet import SHARED, Entry
from genometracks.errors import UserError
from genometracks.export.jobs import COLUMNS, TRACKS
from genometracks.graph.resources import count_gpus
from genometracks.inputs.check import check_inputs, is_address
from genometracks.tracks.recipe import make_recipe
from grelu_models.errors import ModelError
from grelu_models.files.description import find_weights, list_tracks, pair_strands, read_track_table
from grelu_models.files.hub import parse_artifact


@dataclass(frozen=True)
class Run:
    """One run: its resolved config, and where its files stand.

    Attributes
    ----------
    config : dict
    genome, model : str
        Folders of the prepared genome and model: the run's own, or one that runs share.
    """

    config: dict
    genome: str
    model: str

    @property
    def folder(self) -> str:
        """The run's results."""
        return f"{self.above}/{self.config['run']}"

    @property
    def above(self) -> str:
        """The folder of all runs."""
        return os.path.normpath(self.config["results"])

    @property
    def fasta(self) -> str:
        """The genome's file: the given one, or where it is fetched to."""
        given = self.config["genome"]["fasta"]
        if not is_address(given):
            return given
        return f"{self.genome}/work/source/{Path(urlsplit(given).path).name or 'genome'}"

    @property
    def source_settings(self) -> str:
        """What is fetched."""
        return json.dumps({key: self.config["genome"][key] for key in ("fasta", "sha256")})

    @property
    def bases(self) -> str:
        """The normalised FASTA; its index is made with it."""
        return f"{self.genome}/work/genome.fa"

    @property
    def genome_json(self) -> str:
        """What is known of the genome."""
        return f"{self.genome}/work/genome.json"

    @property
    def model_json(self) -> str:
        """What is known of the model."""
        return f"{self.model}/work/model.json"

    @property
    def genome_settings(self) -> str:
        """What shapes the prepared genome: what is predicted of it repeats no scan."""
        return json.dumps({**_choose_genome(self.config), "fasta": self.fasta})

    @property
    def model_settings(self) -> str:
        """The config's section."""
        return json.dumps(self.config["model"])

    @property
    def folds(self) -> list[dict]:
        """Of each fold `weights` and `sha256` as configured, and `file`, where it is fetched to."""
        folds = list_folds(self.config["model"])
        for i, fold in enumerate(folds):
            given = fold["file"] = fold["weights"]
            artifact = None if Path(given).is_file() else parse_artifact(given)
            if artifact:
                own = f"{i}/" if len(folds) > 1 else ""  # folds may have the same name
                name = Path(artifact.filename).name
                fold["file"] = f"{self.model}/work/weights/{own}{name}"
        return folds

    @property
    def weights(self) -> list[str]:
        """The weights' files: the given ones, or where they are fetched to."""
        return [fold["file"] for fold in self.folds]

    @property
    def fetched(self) -> list[dict]:
        """The folds that are fetched, each with the `rule` and the `settings` for that."""
        folds, fetched = self.folds, []
        for i, fold in enumerate(folds):
            if fold["file"] != fold["weights"]:
                rule = f"weights_{i}" if len(folds) > 1 else "weights"
                fetched.append({**fold, "rule": rule, "settings": json.dumps(fold)})
        return fetched

    @property
    def model_files(self) -> list[str]:
        """The metadata beside the weights and the table of tracks, where there are."""
        beside = []
        for weights in map(Path, self.weights):
            metadata = [weights.with_suffix(suffix) for suffix in (".yaml", ".yml", ".json")]
            beside += [str(path) for path in metadata if path.is_file()][:1]
        return [*beside, *filter(None, [self.config["model"]["tracks"]])]

    @property
    def tracks(self) -> list[str]:
        """File stems of the tracks; asks the hub if the weights were not fetched yet."""
        model, output = self.config["model"], self.config["output"]
        first = self.folds[0]
        weights = first["file"] if Path(first["file"]).is_file() else first["weights"]
        settings = {key: output[key] for key in OF_OUTPUT}
        settings |= {key: self.config["prediction"][key] for key in OF_AVERAGE}
        described = [weights, model["architecture"], model["tracks"], len(self.folds)]
        return list(_list_tracks(json.dumps([*described, settings])))

    @property
    def shards(self) -> list[str] | None:
        """Ids of the shards; None where the plan decides how many there are."""
        count = self.config["shards"]
        return None if count == "auto" else name_shards(count)

    @property
    def forward_settings(self) -> str:
        """What a probe is asked."""
        return json.dumps(choose_forward_settings(self.config))

    @property
    def probe(self) -> list[str]:
        """The probe's file, where anything is left to be found out on the device."""
        asked = choose_forward_settings(self.config)
        return [f"{self.folder}/work/probe.json"] if "auto" in asked.values() else []

    @property
    def probe_option(self) -> str:
        """The probe as words of a command line."""
        return " ".join(f"--probe {shlex.quote(path)}" for path in self.probe)

    @property
    def plan_settings(self) -> str:
        """What the plan follows from."""
        return json.dumps(choose_plan_settings(self.config))

    @property
    def beds(self) -> list[str]:
        """BED files that the plan reads."""
        return [path for key in ("regions", "blacklist") if (path := self.config["genome"][key])]

    @property
    def settings(self) -> str:
        """The whole config."""
        return json.dumps(self.config)

    @property
    def track_settings(self) -> str:
        """What tracks.tsv depends on."""
        return json.dumps({"bigwig": self.config["output"]["bigwig"]})

    @property
    def evaluation_settings(self) -> str:
        """The config's section."""
        return json.dumps(self.config["evaluation"])

    @property
    def observed(self) -> list[str]:
        """The observed tracks' files."""
        return [entry["bigwig"] for entry in self.config["evaluation"]["observed"]]

    @property
    def observed_digests(self) -> list[str]:
        """Where their digests are kept."""
        return [f"{self.folder}/work/observed.json"] if self.observed else []

    @property
    def bigwigs(self) -> list[str]:
        """One file a track."""
        return [f"{self.folder}/bigwig/{track}.bw" for track in self.tracks]

    @property
    def bigwig_jobs(self) -> list[dict]:
        """The jobs that write them: `rule`, `rows` (tracks, first:last) and their `files`."""
        files, jobs = self.bigwigs, []
        for first in range(0, len(files), TRACKS):
            some = files[first : first + TRACKS]
            rule = f"bigwig_{len(jobs)}" if len(files) > TRACKS else "bigwig"
            jobs.append({"rule": rule, "rows": f"{first}:{first + len(some)}", "files": some})
        return jobs

    @property
    def scatters(self) -> list[str]:
        """One figure an observed track."""
        return [f"{self.folder}/figures/scatter_{i}.png" for i in range(len(self.observed))]

    @property
    def results(self) -> list[str]:
        """All that the manifest lists."""
        bigwigs = self.bigwigs if self.config["output"]["bigwig"] else []
        parquet = [f"{self.folder}/parquet"] if self.config["output"]["parquet"] else []
        names = ["evaluation.tsv", "figures/locus.png"] if self.observed else []
        evaluation = [f"{self.folder}/{name}" for name in names] + self.scatters
        return [f"{self.folder}/tracks.tsv", *bigwigs, *parquet, *evaluation]

    @property
    def device(self) -> str:
        """Where predictions are made."""
        return self.config["prediction"]["device"]

    @property
    def gpus(self) -> int:
        """GPUs of a prediction job."""
        return count_gpus(self.config)

    @property
    def threads(self) -> int:
        """CPU threads of a prediction job."""
        return self.config["prediction"]["threads"]

    @property
    def processes(self) -> int:
        """Most processes that write tracks."""
        return self.config["output"]["threads"]

    @property
    def parquet_processes(self) -> int:
        """Processes that write the Parquet table: no more than it has parts."""
        return min(self.processes, -(-len(self.tracks) // COLUMNS))


def place_runs(entries: list[Entry], *, sheet: bool) -> dict[str, Run]:
    """Name -> run; those of a sheet share their genomes and models.

    Raises
    ------
    UserError
        As `check_inputs`; in a sheet naming its line.
    """
    runs = {}
    for entry in entries:
        run = runs[entry.config["run"]] = place_run(entry.config, shares=sheet)
        try:
            check_inputs(run.config)
            _ = run.tracks
        except (UserError, ModelError) as error:
            raise UserError(f"{entry.origin}: {error}" if sheet else str(error)) from error
    return runs


def place_run(config: dict, *, shares: bool = False) -> Run:
    """The run of a resolved config; its genome and model are its own, or may be shared."""
    above = os.path.normpath(config["results"])
    own = f"{above}/{config['run']}"
    return Run(config, *(_find_shared(config, above) if shares else (own, own)))


def _find_shared(config: dict, above: str) -> list[str]:
    """Folders of a genome and a model, the same for all runs that ask for the same."""
    fasta, weights = Path(config["genome"]["fasta"]), list_folds(config["model"])[0]["weights"]
    named = {
        config["genome"]["name"] or fasta.name: _choose_genome(config),
        re.split("[/:]", weights)[-1]: config["model"],
    }
    homes = []
    for name, settings in named.items():
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
        stem = re.sub("[^A-Za-z0-9_-]+", "_", name.split(".")[0]).strip("_") or "unnamed"
        homes.append(f"{above}/{SHARED}/{stem}-{digest[:8]}")
    return homes


def _choose_genome(config: dict) -> dict:
    return {key: config["genome"][key] for key in ("fasta", "sha256", "name", "contigs")}


def name_shards(count: int) -> list[str]:
    """Ids of so many shards."""
    return [f"{i:0{len(str(count - 1))}d}" for i in range(count)]


@cache
def _list_tracks(asked: str) -> tuple[str, ...]:
    """Every setting that does not suit the tracks is refused here, before anything runs."""
    source, architecture, table, folds, settings = json.loads(asked)
    weights = find_weights(source)
    tracks = list_tracks(weights, architecture, read_track_table(Path(table)) if table else None)
    model = {"tracks": tracks, "strand_partners": pair_strands(weights, tracks)}
    rows, _ = make_recipe({**model, "activation": None, "folds": [{}] * folds}, settings)
    return tuple(row["track"] for row in rows)
