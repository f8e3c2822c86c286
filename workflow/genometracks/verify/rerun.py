"""Repetition of a run from its manifest alone, and comparison of the results."""

import copy
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from genometracks.common.atomic import write_atomically
from genometracks.config.resolve import resolve_config
from genometracks.config.sections import Config
from genometracks.config.settings import list_folds
from genometracks.config.sheet import set_key
from genometracks.errors import UserError
from genometracks.verify.manifest import Manifest, load_manifest
from grelu_models.files.yaml_text import parse_yaml

SHOWN = 5
"""Differing results that are listed by name."""


def rerun(path: Path, results: Path, *, changes: Sequence[str], cores: int) -> str:
    """Repeat a run by `genometracks run`, and compare its results with the manifest.

    Parameters
    ----------
    path : Path
        The manifest, or the folder of the run.
    results : Path
        Folder for the new run, which gets the name of the old one. Its config is written beside
        it, as `{run}.yaml`.
    changes : sequence of str
        `key=value` pairs that replace values of the config, e.g. paths on this machine.
    cores : int
        Jobs at once.

    Returns
    -------
    str
        That all results have the same bytes.

    Raises
    ------
    UserError
        If the manifest is not usable, the folder is the run's own, it fails, or a result
        differs.
    """
    path = path / "manifest.json" if path.is_dir() else path
    manifest = _load_given(path)
    folder = results / manifest.run
    if folder.resolve() == path.parent.resolve():
        raise UserError(f"{results}: the run of {path} is in this folder: give another --results")
    config = make_config(manifest, results, changes=changes)
    file = results / f"{manifest.run}.yaml"
    with write_atomically(file) as out:
        out.write(yaml.safe_dump(config, sort_keys=False, allow_unicode=True).encode())
    words = [sys.executable, "-m", "genometracks.cli", "run", str(file), "--cores", str(cores)]
    # What it ends with, the files of the new run, would hide whether they are the same.
    if subprocess.run(words, stdout=subprocess.DEVNULL).returncode:
        raise UserError(f"the run failed: its error is above, its config is {file}")
    return compare(manifest, load_manifest(folder / "manifest.json"), folder)


def _load_given(path: Path) -> Manifest:
    """Read the manifest that the user names, which may be any file."""
    if not path.is_file():
        raise UserError(f"{path}: no such file: give results/RUN, or the manifest.json in it")
    try:
        return load_manifest(path)
    except UserError as error:
        raise UserError(
            f"{path}: no usable manifest ({error.__cause__}): give results/RUN, or the "
            "manifest.json in it"
        ) from error


def make_config(manifest: Manifest, results: Path, *, changes: Sequence[str]) -> dict[str, Any]:
    """Make the config that repeats a run.

    Values that were left at `auto` are those that were determined, and the genome must have the
    digest of the manifest.

    Raises
    ------
    UserError
        If a change is not `key=value`, or the result is not a valid config.
    """
    _refuse_code(manifest, changes)
    config = copy.deepcopy(manifest.config)
    config["results"], config["runs"] = str(results), None
    determined = {
        "prediction.batch_size": manifest.settings.batch_size,
        "prediction.precision": manifest.settings.precision,
        "model.window": manifest.model.geometry.window,
        "shards": len(manifest.shards),
    }
    for key, found in determined.items():
        if _get(config, key) == "auto":
            set_key(config, key, found)
    config["genome"]["sha256"] = manifest.genome.sha256
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals:
            raise UserError(f"--set {change}: write KEY=VALUE, e.g. genome.fasta=hg38.fa")
        try:
            set_key(config, key, parse_yaml(value))
        except (yaml.YAMLError, TypeError, AttributeError) as error:
            raise UserError(f"--set {change}: cannot be read: correct it") from error
    checked = resolve_config(config)
    list_folds(Config.of(checked).model)
    return checked


def _refuse_code(manifest: Manifest, changes: Sequence[str]) -> None:
    """Refuse to run code that only the manifest names: a manifest may come from others."""
    function = _get(manifest.config, "model.python")
    if function and "model.python" not in [change.partition("=")[0] for change in changes]:
        raise UserError(
            f"the manifest's run had model.python: {function}, which runs code: look at its "
            f"source, and allow it with --set model.python={function}"
        )


def _get(config: dict[str, Any], key: str) -> object:
    *sections, last = key.split(".")
    for section in sections:
        config = config.get(section) or {}
    return config.get(last)


def compare(old: Manifest, new: Manifest, folder: Path) -> str:
    """Compare the results of two manifests.

    Returns
    -------
    str
        That all results have the same bytes.

    Raises
    ------
    UserError
        If a result is missing or differs. The message names what else differs between the runs.
    """
    differing = [file for file, output in old.outputs.items() if new.outputs.get(file) != output]
    differing += [file for file in new.outputs if file not in old.outputs]
    if not differing:
        return f"{folder}: all {len(old.outputs):,} results have the same bytes"
    names = ", ".join(differing[:SHOWN]) + (", ..." if differing[SHOWN:] else "")
    total = len(old.outputs.keys() | new.outputs.keys())
    text = f"{folder}: {len(differing):,} of {total:,} results differ: {names}"
    reasons = list(_explain(old, new))
    cause = f": {'; '.join(reasons)}" if reasons else ""
    raise UserError(f"{text}{cause}: compare the values of both runs")


def _explain(old: Manifest, new: Manifest) -> list[str]:
    """Differences between two runs that can change results."""
    reasons = [
        f"{name} {version} was used, and is {new.versions.get(name, 'missing')} now"
        for name, version in old.versions.items()
        if new.versions.get(name) != version
    ]
    if old.model.digest != new.model.digest:
        what = "weights or source" if _get(old.config, "model.python") else "weights"
        reasons.append(f"the model's {what} are others")
    if old.prediction.devices != new.prediction.devices:
        devices = [", ".join(each.prediction.devices) for each in (old, new)]
        reasons.append(f"the device was {devices[0]}, and is {devices[1]} now")
    return reasons
