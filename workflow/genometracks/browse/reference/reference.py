"""What page and hub show beside a run's tracks, written before anything is predicted."""

from pathlib import Path

from genometracks.browse.reference.genes import write_genes
from genometracks.browse.reference.marks import write_regions, write_sites
from genometracks.browse.reference.observed import write_observed_tracks
from genometracks.browse.scene import (
    list_aliases,
    list_genes,
    list_observed,
    list_regions,
    list_sites,
)
from genometracks.common.sealing import Seal, write_sealed
from genometracks.config.folders import RunFolder
from genometracks.config.settings import BrowseSettings
from genometracks.plan.plan import Plan

__all__ = ["write_reference"]


def write_reference(plan: Plan, folder: RunFolder, settings: BrowseSettings) -> list[Seal]:
    """Write `reference/` of a run, and return the files' seals.

    The lengths of the contigs, and what the config names: genes, sites, regions, the blacklist, and
    observed tracks on the model's scale.

    Raises
    ------
    UserError
        If a file that the config names is not valid or does not fit the genome.
    """
    lengths = plan.lengths
    seals = [_write_sizes(plan, folder.chrom_sizes)]
    if settings.annotation:
        (genes,) = list_genes(folder, settings)
        aliases = list_aliases(plan, settings)
        annotation = Path(settings.annotation)
        seals.append(write_genes(annotation, genes.file, lengths=lengths, aliases=aliases))
    sites = zip(settings.evaluation.sites, list_sites(folder, settings), strict=True)
    for i, (entry, shown) in enumerate(sites):
        key = f"evaluation.sites[{i}]"
        seals.append(write_sites(entry, shown.file, key=key, lengths=lengths))
    beds = {"regions": settings.regions, "blacklist": settings.blacklist}
    for shown in list_regions(folder, settings):
        bed = Path(beds[shown.name] or "")
        seals.append(write_regions(bed, shown.file, key=f"genome.{shown.name}", lengths=lengths))
    observed = settings.evaluation.observed
    return seals + write_observed_tracks(plan, observed, list_observed(folder, settings))


def _write_sizes(plan: Plan, path: Path) -> Seal:
    with write_sealed(path) as file:
        rows = [f"{name}\t{length}\n" for name, length in plan.lengths.items() if length]
        file.write("".join(rows).encode())
    return file.sealed
