"""The command line: one command a stage. Files in, files out; errors in one line.

Heavy imports wait until a command needs them, so that `--help` and the light stages are quick.
"""

import argparse
import json
import os
import sys
from datetime import datetime
from pathlib import Path

from genometracks.errors import ShardError, UserError
from genometracks.files import write_atomically
from genometracks.parser import make_parser
from grelu_models.errors import ModelError


def run_preflight(args: argparse.Namespace) -> None:
    """Tell what a run would take, before it is started: windows, bytes, hours, memory."""
    from genometracks.preflight import preflight

    print(preflight(args.config, name=args.run, json_to=args.json))


def run_status(args: argparse.Namespace) -> None:
    """Tell how a run gets on: shards done, running and failed, rate, time left, bytes."""
    from genometracks.status import as_json, list_runs, read_status
    from genometracks.status_report import describe_runs, describe_status

    runs = list_runs(args.folder)
    if runs and not (args.folder / "work").is_dir():
        print(describe_runs(runs))
        return
    status = read_status(args.folder)
    print(describe_status(status))
    if args.json:
        with write_atomically(args.json) as file:
            file.write(as_json(status).encode() + b"\n")


def run_weights(args: argparse.Namespace) -> None:
    """Fetch a model's weights from the hub, with their commit and digest."""
    from genometracks.fetch import fetch_weights

    settings = args.settings
    found = fetch_weights(settings["weights"], args.out, sha256=settings["sha256"])
    print(f"{found['bytes']:,} bytes of commit {found['revision']}", file=sys.stderr)


def run_download(args: argparse.Namespace) -> None:
    """Fetch a genome's FASTA, with its digest."""
    from genometracks.fetch import fetch_genome

    settings = args.settings
    found = fetch_genome(settings["fasta"], args.out, sha256=settings["sha256"])
    print(f"{found['bytes']:,} bytes, sha256 {found['sha256']}", file=sys.stderr)


def run_model(args: argparse.Namespace) -> None:
    """Load a model, measure it, write model.json."""
    from genometracks.model import describe_model

    described = describe_model(args.settings, args.out, weights=args.weights)
    geometry = described["geometry"]
    bins = f"{geometry['length']} bins of {geometry['bin']} bp" if geometry["bin"] else "one value"
    tracks = len(described["tracks"])
    print(f"{tracks} tracks; {geometry['window']} bp in, {bins} out", file=sys.stderr)


def run_genome(args: argparse.Namespace) -> None:
    """Normalise a FASTA, write its index as genome.json."""
    from genometracks.genome import scan_fasta

    settings = args.settings
    fasta = Path(settings["fasta"])
    name = settings["name"] or fasta.name.removesuffix(".gz").rsplit(".", 1)[0]
    patterns, sha256 = settings["contigs"], settings.get("sha256")
    index = scan_fasta(fasta, args.fasta, name=name, patterns=patterns, sha256=sha256)
    index.save(args.out)
    bases = sum(contig.length for contig in index.contigs)
    unknown = sum(end - start for contig in index.contigs for start, end in contig.gaps)
    print(f"{len(index.contigs):,} contigs, {bases:,} bp, {unknown:,} of them N", file=sys.stderr)


def run_probe(args: argparse.Namespace) -> None:
    """Find out the window, precision and batch size that are left to `auto`: write probe.json."""
    from genometracks.probe_file import describe_probe, digest_probe, read_probe, write_probe

    model = json.loads(args.model.read_text())
    digest = digest_probe(args.settings, model, device=args.device)
    found = read_probe(args.out, digest)
    if found is None:
        from genometracks.device import prepare_device
        from genometracks.genome import Bases, GenomeIndex
        from genometracks.probe import probe_run

        found = probe_run(
            args.settings,
            model,
            GenomeIndex.load(args.genome),
            bases=Bases(args.fasta),
            device=prepare_device(args.device, threads=args.threads, claim=True),
        )
    write_probe(args.out, found, digest=digest)
    print(describe_probe(found), file=sys.stderr)


def run_plan(args: argparse.Namespace) -> None:
    """Tile the genome: write plan.json."""
    from genometracks.genome import GenomeIndex
    from genometracks.planning import plan_run
    from genometracks.preflight_report import describe_start

    found = json.loads(args.probe.read_text()) if args.probe else {}
    plan = plan_run(
        args.settings,
        json.loads(args.model.read_text()),
        GenomeIndex.load(args.genome),
        found=found,
    )
    plan.save(args.out)
    print(f"{plan.windows:,} windows in {len(plan.shards):,} shards", file=sys.stderr)
    print(describe_start(plan, found))  # to the terminal: what the run will take


def run_shards(args: argparse.Namespace) -> None:
    """Write the ids of the plan's shards, one a line."""
    from genometracks.plan import Plan

    with write_atomically(args.out) as file:
        file.write("".join(f"{shard.id}\n" for shard in Plan.load(args.plan).shards).encode())


def run_tracks(args: argparse.Namespace) -> None:
    """Write tracks.tsv."""
    from genometracks.plan import Plan
    from genometracks.tracks import write_tracks

    suffix = ".bw" if args.settings["bigwig"] else ""
    write_tracks(Plan.load(args.plan).tracks, args.out, suffix=suffix)


def run_observed(args: argparse.Namespace) -> None:
    """Check the observed tracks before hours are spent on predictions; write their digests."""
    from genometracks.evaluate import check_observed
    from genometracks.manifest import write_observed
    from genometracks.plan import Plan

    plan = Plan.load(args.plan)
    observed = args.settings["observed"]
    check_observed(observed, tracks=_track_rows(plan), lengths=plan.lengths)
    write_observed(args.out, observed)


def run_predict(args: argparse.Namespace) -> None:
    """Predict one shard, unless it is there already."""
    from genometracks.plan import Plan
    from genometracks.shard import read_sidecar, shard_paths, write_shard

    plan = Plan.load(args.plan)
    shard = plan.shard(args.shard)
    if read_sidecar(_shards(args), plan, shard) is not None:
        print(f"shard {shard.id} is complete: nothing to predict", file=sys.stderr)
        for path in shard_paths(_shards(args), shard.id):
            os.utime(path)
        return
    from concurrent.futures import ThreadPoolExecutor

    from genometracks.ahead import run_ahead
    from genometracks.device import prepare_device
    from genometracks.genome import Bases
    from genometracks.predict import describe_versions, load_planned_model, predict_shard
    from genometracks.progress import Progress

    device = prepare_device(args.device, threads=args.threads, claim=True)
    notes = {"versions": describe_versions()}
    bases = Bases(args.fasta)
    with ThreadPoolExecutor(1) as thread:
        unchanged = thread.submit(bases.check, plan.shard_contigs(shard))
        model = load_planned_model(plan)
        unchanged.result()
    pieces = predict_shard(
        plan,
        bases,
        model=model,
        shard=shard,
        device=device,
        notes=notes,
        report=Progress(
            f"shard {shard.id} on {device}", bases=plan.geometry.owned * plan.geometry.bin
        ),
    )
    pieces = run_ahead(pieces)  # the model works on while this thread writes
    write_shard(_shards(args), plan, shard, pieces=pieces, notes=notes)


def run_merge(args: argparse.Namespace) -> None:
    """Prove that the shards are complete; write merge.json."""
    from genometracks.merge import check_shards, save_merged
    from genometracks.plan import Plan

    plan = Plan.load(args.plan)
    save_merged(args.out, check_shards(plan, _shards(args)))
    print(f"{plan.bins:,} bins, each predicted once", file=sys.stderr)


def run_bigwig(args: argparse.Namespace) -> None:
    """Write one bigWig a track, into the folder bigwig of the plan's run."""
    from genometracks.bigwig_tracks import write_bigwigs
    from genometracks.plan import Plan

    plan = Plan.load(args.plan)
    folder = args.plan.parents[1] / "bigwig"
    sidecars = _sidecars(args, plan)
    write_bigwigs(plan, _shards(args), folder, sidecars=sidecars, processes=args.threads)


def run_parquet(args: argparse.Namespace) -> None:
    """Write the Parquet data set."""
    from genometracks.parquet import write_parquet
    from genometracks.plan import Plan

    plan = Plan.load(args.plan)
    write_parquet(plan, _shards(args), args.out, sidecars=_sidecars(args, plan))


def run_evaluate(args: argparse.Namespace) -> None:
    """Compare with the observed tracks: evaluation.tsv and figures."""
    from genometracks.evaluate import evaluate, write_evaluation
    from genometracks.merge import read_tracks
    from genometracks.plan import Plan
    from genometracks.report import draw_evaluation, list_held_out

    plan = Plan.load(args.plan)
    sidecars = _sidecars(args, plan)
    rows = _track_rows(plan)

    def predictions(track: str):
        row = rows[track]
        for contig, first, values in read_tracks(
            plan, _shards(args), sidecars=sidecars, rows=range(row, row + 1)
        ):
            yield contig, first, values[0].astype("float32", copy=False)

    table = evaluate(
        predictions,
        args.settings["observed"],
        tracks=rows,
        step=plan.geometry.bin,
        span=plan.geometry.span,
        lengths=plan.lengths,
        held_out=list_held_out(args.settings),
    )
    draw_evaluation(
        args.figures, plan, predictions=predictions, evaluation=args.settings, rows=table
    )
    write_evaluation(table, args.out)


def run_manifest(args: argparse.Namespace) -> None:
    """Write manifest.json over the results that are there."""
    from genometracks.manifest import read_observed, write_manifest
    from genometracks.plan import Plan

    plan, beside = Plan.load(args.plan), args.plan.parent / "observed.json"
    write_manifest(
        args.out,
        plan,
        config=args.settings,
        sidecars=_sidecars(args, plan),
        observed=read_observed(beside) if args.settings["evaluation"]["observed"] else [],
    )


def run_summary(args: argparse.Namespace) -> None:
    """Write and print the summary."""
    from genometracks.plan import Plan
    from genometracks.summary import write_summary

    plan = Plan.load(args.plan)
    text = write_summary(args.out, plan, evaluation=args.settings, logs=args.logs)
    print(text, file=sys.stderr)


def _shards(args: argparse.Namespace) -> Path:
    """The shards stand beside the plan."""
    return args.plan.parent / "shards"


def _sidecars(args: argparse.Namespace, plan) -> list[dict]:
    """What merge proved; where that is stale or missing, prove it again."""
    from genometracks.merge import check_shards, read_merged

    merged = read_merged(args.plan.parent / "merge.json", plan, _shards(args))
    return merged or check_shards(plan, _shards(args))


def _track_rows(plan) -> dict[str, int]:
    """Names by which a config may call the run's tracks -> their rows in the shards."""
    rows = {track["track"]: row for row, track in enumerate(plan.tracks)}
    return {**rows, **{track["name"]: row for row, track in reversed(list(enumerate(plan.tracks)))}}


TYPED = ("preflight", "status")
COMMANDS = {
    "preflight": (run_preflight, ["config", "run", "json"]),
    "status": (run_status, ["folder", "json"]),
    "weights": (run_weights, ["settings", "out"]),
    "download": (run_download, ["settings", "out"]),
    "model": (run_model, ["settings", "weights", "out"]),
    "genome": (run_genome, ["settings", "fasta", "out"]),
    "probe": (
        run_probe,
        ["settings", "model", "genome", "fasta", "device", "threads", "out"],
    ),
    "plan": (run_plan, ["settings", "model", "genome", "probe", "out"]),
    "shards": (run_shards, ["plan", "out"]),
    "tracks": (run_tracks, ["settings", "plan", "out"]),
    "observed": (run_observed, ["settings", "plan", "out"]),
    "predict": (run_predict, ["plan", "shard", "fasta", "device", "threads"]),
    "merge": (run_merge, ["plan", "out"]),
    "bigwig": (run_bigwig, ["plan", "threads"]),
    "parquet": (run_parquet, ["plan", "out"]),
    "evaluate": (run_evaluate, ["settings", "plan", "figures", "out"]),
    "manifest": (run_manifest, ["settings", "plan", "out"]),
    "summary": (run_summary, ["settings", "plan", "logs", "out"]),
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; 0 if it ended well, 1 with one line on stderr for bad input."""
    args = make_parser(COMMANDS, __doc__).parse_args(argv)
    _log("started", args.command)
    try:
        COMMANDS[args.command][0](args)
    except (UserError, ModelError, OSError) as error:
        print(f"genometracks {args.command}: {error}", file=sys.stderr)
        if isinstance(error, ShardError):  # so that the next run proves, and predicts, anew
            (args.plan.parent / "merge.json").unlink(missing_ok=True)
        return 1
    _log("finished", args.command)
    return 0


def _log(what: str, command: str) -> None:
    """A line of a stage's log; people who type a command need none."""
    if command in TYPED:
        return
    now = datetime.now().astimezone().isoformat(timespec="milliseconds")
    print(f"{now} {what} {command} ", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
