"""ro-crate-metadata.json: the run for other programs, as a Workflow Run RO-Crate.

It states what the manifest states, in the words of RO-Crate 1.1 and of the profile Workflow Run
Crate 0.5: the results with size and digest, the inputs, the workflow with its parameters, the
software, licence and citation. Nothing is looked up: all of it comes from the plan, the config and
the seals, and the only date is the day on which the last result was written.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from genometracks.common.sealing import Seal, write_sealed
from genometracks.common.secrets import mask_plain
from genometracks.config.sections import Config
from genometracks.export.manifest import ObservedDigest, list_versions
from genometracks.export.seals import SealedResult
from genometracks.plan.plan import Plan
from grelu_models.secrets import mask

if TYPE_CHECKING:
    from rocrate.model.entity import Entity
    from rocrate.rocrate import ROCrate

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
TERMS = "https://w3id.org/ro/terms/workflow-run/context"
PARAMETER = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
EDAM = "http://edamontology.org/"
FORMATS = {
    ".bb": ("application/octet-stream", "format_3004", "bigBed"),
    ".bw": ("application/octet-stream", "format_3006", "bigWig"),
    ".2bit": ("application/octet-stream", "format_3009", "2bit"),
    ".bed": ("text/plain", "format_3003", "BED"),
    ".fa": ("text/plain", "format_1929", "FASTA"),
    ".html": ("text/html", None, None),
    ".json": ("application/json", None, None),
    ".parquet": ("application/vnd.apache.parquet", None, None),
    ".png": ("image/png", None, None),
    ".tsv": ("text/tab-separated-values", None, None),
    ".txt": ("text/plain", None, None),
}
"""Suffix -> media type, and identifier and name of the format in the ontology EDAM."""
DOI = re.compile(r"doi:(10\.[0-9]{4,9}/[^\s;,]+)")
UNKNOWN = (
    "The licence of the weights is not known to the program that made these tracks: see the "
    "authors' terms before you share or use them."
)


def write_crate(
    path: Path,
    plan: Plan,
    *,
    config: Config,
    observed: Sequence[ObservedDigest],
    results: Sequence[SealedResult],
    manifest: Seal,
) -> Seal:
    """Write the RO-Crate of a finished run, and return its seal.

    Parameters
    ----------
    path : Path
        In the run's folder, beside manifest.json.
    plan : Plan
    config : Config
    observed : sequence of ObservedDigest
    results : sequence of SealedResult
        Every result, as it was written.
    manifest : Seal
    """
    from rocrate.rocrate import ROCrate  # here: it imports a client of HTTP, which is not used

    crate = ROCrate(version="1.1")
    crate.metadata.extra_contexts.append(TERMS)
    _describe_root(crate, plan, config=config, results=results)
    workflow = _add_workflow(crate)
    written = sorted(results, key=lambda each: PurePosixPath(each.file))
    files = [(each.file, each.bytes, each.sha256) for each in written]
    files.append((manifest.path.name, manifest.bytes, manifest.sha256))
    action = _add(
        crate,
        "#run",
        "CreateAction",
        name=f"Run {config.run} of grelu-tracks",
        instrument=workflow,
        object=[
            *_add_inputs(crate, plan, config=config, observed=observed),
            *_add_parameters(crate, workflow, mask_plain(config.plain)),
        ],
        result=[_add_file(crate, file, size, sha256) for file, size, sha256 in files],
        actionStatus={"@id": "http://schema.org/CompletedActionStatus"},
    )
    crate.root_dataset["mentions"] = action
    with write_sealed(path) as file:
        file.write(json.dumps(crate.metadata.generate(), indent=1).encode() + b"\n")
    return file.sealed


def _describe_root(
    crate: "ROCrate", plan: Plan, *, config: Config, results: Sequence[SealedResult]
) -> None:
    root, model = crate.root_dataset, plan.model
    last = max((result.modified for result in results), default=0) // 10**9
    names = ", ".join(track.name for track in plan.tracks[:3])
    more = ", ..." if len(plan.tracks) > 3 else ""
    root["name"] = config.run
    root["description"] = (
        f"{len(plan.tracks):,} tracks ({names}{more}) that a DNA sequence model predicts on "
        f"{plan.genome.name}, in bins of {plan.geometry.bin} bp: bigWig and Parquet files."
    )
    root["datePublished"] = datetime.fromtimestamp(last, UTC).date().isoformat()
    root["license"] = f"Of the weights: {model.licence}" if model.licence else UNKNOWN
    root["conformsTo"] = [
        _add(crate, uri, "CreativeWork", name=name, version=version)
        for uri, (name, version) in PROFILES.items()
    ]
    if model.citation:
        root["citation"] = _add_citations(crate, model.citation)


def _add_workflow(crate: "ROCrate") -> "Entity":
    versions = list_versions()
    own = versions.pop("grelu-tracks", "unknown")
    workflow = crate.add_workflow(
        source=f"pkg:generic/grelu-tracks@{own}#workflow/Snakefile",  # a package URL
        main=True,
        lang="snakemake",
        lang_version=versions.get("snakemake"),
    )
    workflow["name"] = "grelu-tracks"
    workflow["version"] = own
    workflow["description"] = "From a DNA sequence-to-function model to genome-wide tracks"
    workflow["license"] = _add(
        crate, "https://spdx.org/licenses/MIT", "CreativeWork", name="MIT License"
    )
    workflow["softwareRequirements"] = [
        _add(crate, f"#software/{name}", "SoftwareApplication", name=name, softwareVersion=version)
        for name, version in versions.items()
    ]
    return workflow


def _add_inputs(
    crate: "ROCrate", plan: Plan, *, config: Config, observed: Sequence[ObservedDigest]
) -> Iterator["Entity"]:
    genome, model = plan.genome, plan.model
    fasta = mask(str(config.genome.fasta))
    yield _add_input(crate, fasta, genome.sha256, f"The genome, {genome.name}")
    for bed in filter(None, (genome.regions, genome.blacklist)):
        yield _add_input(crate, bed.bed, bed.sha256, "Intervals of the genome")
    for each in observed:
        yield _add_input(crate, str(each.path), each.sha256, "What the tracks are compared with")
    for number, fold in enumerate(model.folds):
        more: dict[str, object] = {}
        if model.citation:
            more["citation"] = _add_citations(crate, model.citation)
        if model.licence:
            more["license"] = model.licence
        yield _add(
            crate,
            f"#weights/{number}",
            "CreativeWork",
            name=mask(fold.source),
            description="Weights of the model",
            identifier=_add(
                crate,
                f"#weights/{number}/digest",
                "PropertyValue",
                propertyID="SHA-256",
                name="digest of architecture, activation and tensors",
                value=fold.digest,
            ),
            **more,
        )


def _add_parameters(
    crate: "ROCrate", workflow: "Entity", config: Mapping[str, Any]
) -> list["Entity"]:
    """Add every set key of the config: as a parameter of the workflow, and its value."""
    slots, values = [], []
    for key, value in _flatten(config):
        kind = "Text"
        if isinstance(value, bool | int | float):
            kind = {bool: "Boolean", int: "Integer"}.get(type(value), "Float")
        slot = _add(
            crate,
            f"#parameter/{quote(key)}",
            "FormalParameter",
            name=key,
            additionalType=kind,
            conformsTo={"@id": PARAMETER},
        )
        about = _add(
            crate,
            f"#value/{quote(key)}",
            "PropertyValue",
            name=key,
            value=value,
            exampleOfWork=slot,
        )
        slots.append(slot)
        values.append(about)
    workflow["input"] = slots
    return values


def _flatten(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield `section.key` and its value; lists as JSON text."""
    for key, value in config.items():
        if isinstance(value, dict) and value:
            yield from _flatten(value, f"{prefix}{key}.")
        elif isinstance(value, str | bool | int | float):
            yield f"{prefix}{key}", value
        elif value:
            yield f"{prefix}{key}", json.dumps(value)


def _add_input(crate: "ROCrate", name: str, sha256: str, description: str) -> "Entity":
    """Add a file outside of the crate; it is identified by its content (RFC 6920)."""
    about = {"name": mask(name), "description": description, "sha256": sha256}
    return crate.add_file(f"nih:sha-256;{sha256}", properties=about | _find_format(crate, name))


def _add_file(crate: "ROCrate", file: str, size: int, sha256: str) -> "Entity":
    """Add a result."""
    about = {"name": file, "contentSize": str(size), "sha256": sha256}
    return crate.add_file(dest_path=file, properties=about | _find_format(crate, file))


def _find_format(crate: "ROCrate", file: str) -> dict[str, Any]:
    media, term, name = FORMATS.get(PurePosixPath(file).suffix.lower(), (None, None, None))
    if media is None:
        return {}
    if term is None:
        return {"encodingFormat": media}
    return {"encodingFormat": [media, _add(crate, f"{EDAM}{term}", "WebPage", name=name)]}


def _add_citations(crate: "ROCrate", text: str) -> list["Entity"]:
    """Add each paper of a citation: by its DOI, where it has one."""
    papers = [paper.strip() for paper in text.split(";")]
    found = []
    for number, paper in enumerate(papers):
        doi = DOI.search(paper)
        identifier = f"https://doi.org/{doi[1]}" if doi else f"#citation/{number}"
        found.append(_add(crate, identifier, "ScholarlyArticle", name=paper))
    return found


def _add(crate: "ROCrate", uri: str, kind: str, /, **about: object) -> "Entity":
    """Add an entity that is not a file of the crate, or return it if it is there."""
    from rocrate.model.contextentity import ContextEntity

    present = crate.get(uri)
    if present is not None:
        return present
    return crate.add(ContextEntity(crate, uri, {"@type": kind, **about}))
