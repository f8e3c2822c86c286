"""Which stages of a run will run again, and why, in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from genometracks.config.stages import STAGES
from genometracks.errors import UserError
from genometracks.explain.config_changes import Change, compare_configs, compare_with_plan
from genometracks.explain.inputs import InputChange, find_changes
from genometracks.explain.jobs import PlannedJob, drop_stale, list_files
from genometracks.explain.predictions import foresee_shards
from genometracks.graph.runs import Run
from genometracks.plan.plan import Plan
from genometracks.verify.manifest import load_manifest

LISTED = 5
"""Names that are listed at most."""


@dataclass(frozen=True)
class Records:
    """What a run's own records say about the difference to what is asked for now.

    Attributes
    ----------
    plan : Plan or None
    changes : list of Change
        Keys of the config that changed.
    inputs : list of InputChange
        Input files that changed.
    """

    plan: Plan | None
    changes: list[Change]
    inputs: list[InputChange]


def explain_runs(runs: Sequence[Run], jobs: Sequence[PlannedJob]) -> str:
    """Explain which stages of runs will run again.

    Parameters
    ----------
    runs : sequence of Run
    jobs : sequence of PlannedJob
        The jobs that Snakemake would run now.
    """
    lines: list[str] = []
    jobs = drop_stale(jobs)
    for run in runs:
        own = [job for job in jobs if run.config.run in job.runs]
        lines += _explain_run(run, own)
    shared = dict.fromkeys(job.stage for job in jobs if not job.runs)
    lines += [f"for all runs: {', '.join(shared)}"] if shared else []
    return "\n".join(lines)


def _explain_run(run: Run, jobs: Sequence[PlannedJob]) -> Iterator[str]:
    folder = run.folder.path
    stages = [stage for stage in STAGES if any(job.stage == stage for job in jobs)]
    records = _read_records(run)
    if not stages:
        yield f"{folder}: nothing to do: it is complete"
        yield from _explain_nothing(run, records)
        return
    if records.plan is None and not run.folder.manifest.exists():
        yield f"{folder}: not planned yet: {len(stages)} stages run: {', '.join(stages)}"
        return
    yield f"{folder}: {len(stages)} stages run again:"
    follow = []
    for stage in stages:
        reasons = list(dict.fromkeys(_find_reasons(run, stage, jobs, records)))
        if stage == "predict":
            changed = {each.path for each in records.inputs if each.content is not False}
            found = foresee_shards(run, stages, changed=changed)
            text = found if isinstance(found, str) else found.text
            yield f"  {stage:<9} {'; '.join([*reasons, text])}"
        elif reasons:
            yield f"  {stage:<9} {'; '.join(reasons)}"
        else:
            follow.append(stage)
    if follow:
        yield f"  after them: {', '.join(follow)}"
    yield from _compare_tracks(run, records.plan)


def _read_records(run: Run) -> Records:
    """Read what can be read; a missing or damaged record is an unknown, not an error."""
    plan, changes = None, None
    try:
        plan = Plan.load(run.folder.plan)
    except UserError:
        pass
    try:
        changes = compare_configs(load_manifest(run.folder.manifest).config, run.config)
    except UserError:
        changes = compare_with_plan(plan, run.config) if plan else []
    inputs = list(find_changes(run.folder, plan)) if plan else []
    return Records(plan, changes, inputs)


def _find_reasons(
    run: Run, stage: str, jobs: Sequence[PlannedJob], records: Records
) -> Iterator[str]:
    """Yield why a stage runs, apart from stages before it."""
    own = [job for job in jobs if job.stage == stage]
    causes = {cause: files for job in own for cause, files in job.causes.items()}
    if "missing" in causes or "interrupted" in causes:
        yield from _describe_missing(own)
    direct = causes.keys() & {"settings", "inputs", "newer", "missing"}
    told = [each.text for each in records.changes if direct and each.concerns(stage)]
    yield from told
    if "newer" in causes:
        yield from _describe_newer(causes["newer"], records.inputs, told=bool(told))
    elif not told and "settings" in causes:
        yield "its settings changed"
    elif not told and "inputs" in causes:
        yield "it reads other files"
    if "code" in causes:
        yield "the rule is that of another version of grelu-tracks"
    if "software" in causes:
        yield "its software environment changed"
    if "forced" in causes:
        yield "interrupted, or forced by an option"


def _describe_missing(jobs: Sequence[PlannedJob]) -> Iterator[str]:
    """Describe missing outputs; for a job whose output another change makes obsolete, nothing."""
    for cause, words in (("missing", "missing"), ("interrupted", "not finished")):
        named = ", ".join(job.causes[cause] for job in jobs if cause in job.causes)
        files = list_files(named)
        if files:
            more = f" and {len(files) - LISTED:,} more" if len(files) > LISTED else ""
            yield f"{', '.join(files[:LISTED])}{more} {words}"


def _describe_newer(named: str, inputs: Sequence[InputChange], *, told: bool) -> Iterator[str]:
    """Describe files that are newer than an output; unless a changed key is told, all of them."""
    known = {str(each.path): each.text for each in inputs}
    for name in list_files(named)[:LISTED]:
        if name in known:
            yield known[name]
        elif not told:
            yield f"{name}: newer than what was made of it"


def _explain_nothing(run: Run, records: Records) -> Iterator[str]:
    """Yield what changed without an effect."""
    for each in records.inputs:
        if each.content is not False:
            yield f"  {each.text}, which Snakemake does not see, or no longer needs"
    lost = _count_lost(run, records.plan)
    if lost:
        yield f"  {lost} in work/shards missing or damaged, and not needed: all results exist"


def _count_lost(run: Run, plan: Plan | None) -> str:
    found = foresee_shards(run, (), changed=()) if plan else ""
    if isinstance(found, str) or not found.again:
        return ""
    return f"{found.again:,} of {found.shards:,} shards"


def _compare_tracks(run: Run, plan: Plan | None) -> Iterator[str]:
    """Yield the tracks that the run will have and had not, and those that it had."""
    if plan is None:
        return
    before, now = [track.track for track in plan.tracks], run.tracks
    for word, names in (
        ("new", [name for name in now if name not in before]),
        ("dropped", [name for name in before if name not in now]),
    ):
        if names:
            more = f" and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
            yield f"  tracks {word}: {', '.join(names[:LISTED])}{more}"
