"""Comparison of a run's results, shards and inputs with their seals."""

from collections.abc import Callable, Iterator
from pathlib import Path

from genometracks.config.folders import SHARED, RunFolder
from genometracks.errors import UserError
from genometracks.export.seals import SealedResult, find_change, load_seals, name_remedy
from genometracks.plan.plan import Plan
from genometracks.shards.sidecar import shard_paths
from genometracks.verify.inputs import Input, list_inputs
from genometracks.verify.manifest import load_manifest
from genometracks.verify.shards import find_damage
from genometracks.verify.verdict import Checked, Verdict

AGAIN = "delete it and run again"
Report = Callable[[int], None]
"""Called with the bytes of each file after it was compared."""


def verify_run(folder: Path, *, report: Report = lambda size: None) -> Verdict:
    """Compare everything of a run that is still there with its seal.

    Parameters
    ----------
    folder : Path
        `{results}/{run}`. Without its `work`, the results are compared with the manifest.
    report : callable, optional
        Called with the bytes of each file after it was compared. Default does nothing.

    Raises
    ------
    UserError
        If there is neither a seal nor a manifest in the folder.
    """
    run, checked, absent = RunFolder(folder), [], []
    for each in _check_all(run):
        if isinstance(each, Checked):
            checked.append(each)
            report(each.bytes)
        else:
            absent.append(each)
    return Verdict(folder, tuple(checked), tuple(absent))


def measure_run(folder: Path) -> int:
    """Bytes of the files that `verify_run` reads, about."""
    run = RunFolder(folder)
    seen = (path for path in folder.rglob("*") if path.is_file() and run.logs not in path.parents)
    return sum(path.stat().st_size for path in seen)


def _check_all(run: RunFolder) -> Iterator[Checked | Path]:
    """Yield each file as compared, or the path of a shard or input that is not there."""
    yield from _check_results(run)
    if not run.plan.exists():
        return
    try:
        plan = Plan.load(run.plan)
    except UserError as error:
        yield Checked(run.plan, "shard", 0, str(error).removeprefix(f"{run.plan}: "), AGAIN)
        return
    for shard in plan.shards:
        data, beside = shard_paths(run.shards, shard.id)
        if not (data.exists() or beside.exists()):
            yield data
            continue
        size = data.stat().st_size if data.exists() else 0
        yield Checked(data, "shard", size, find_damage(run, plan, shard), AGAIN)
    for given in list_inputs(run, plan):
        yield _check_input(given) if given.path.exists() else given.path


def _check_input(given: Input) -> Checked:
    problem = None
    try:
        if given.digest() != given.expected:
            problem = "changed since the run"
    except (UserError, OSError, ValueError) as error:
        problem = f"cannot be compared: {error}"
    return Checked(given.path, "input", given.path.stat().st_size, problem, given.remedy)


def _check_results(run: RunFolder) -> Iterator[Checked]:
    """Compare the results with their seals, and the manifest with both."""
    sealed: dict[str, SealedResult] = {}
    for path in sorted(run.seals.glob("*.json")):
        try:
            sealed |= {each.file: each for each in load_seals(path)}
        except UserError as error:
            problem = str(error).removeprefix(f"{path}: ")
            yield Checked(path, "result", path.stat().st_size, problem, AGAIN)
    listed: dict[str, SealedResult] | None = None
    if run.manifest.exists():
        try:
            listed = load_manifest(run.manifest).results
        except UserError as error:
            problem = str(error).removeprefix(f"{run.manifest}: ")
            yield Checked(run.manifest, "result", run.manifest.stat().st_size, problem, AGAIN)
    if not (sealed or listed):
        raise UserError(f"{run.path}: no seals and no usable manifest: give results/RUN")
    # A result that the manifest does not list belongs to an earlier config, if it is gone.
    present = {file: each for file, each in sealed.items() if (run.path / file).exists()}
    for file, each in {**(listed or sealed), **present}.items():
        path, change = run.path / file, find_change(run.path, each)
        size = each.bytes if path.exists() else 0
        yield Checked(path, "result", size, change, name_remedy(run, each))
    manifest = sealed.get(run.manifest.name)
    if manifest and find_change(run.path, manifest):
        return  # reported above
    for file, each in (listed or {}).items():
        if file in sealed and sealed[file].sha256 != each.sha256:
            yield Checked(run.manifest, "result", 0, f"has another digest of {file}", AGAIN)


def list_verifiable(folder: Path) -> list[Path]:
    """List the runs in a folder of runs: those with seals or a manifest, sorted by name."""
    found = {path.parent for path in folder.glob("*/manifest.json")}
    found |= {path.parents[1] for path in folder.glob("*/work/seals")}
    return sorted(path for path in found if path.name != SHARED)
