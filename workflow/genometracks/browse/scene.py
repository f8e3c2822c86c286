"""What is shown of a run: tracks with view limits, observed tracks, features, and where to start.

The page, the hub and the session files are made of this record. View limits and the first locus
follow from the bigWigs' summaries and zoom levels; no values are read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from genometracks.bigwig.overview import Overview, read_overview
from genometracks.browse.aliases import read_aliases
from genometracks.browse.limits import Limits, choose_limits, choose_start
from genometracks.common.records import load_record, save_record
from genometracks.config.folders import RunFolder
from genometracks.config.settings import BrowseSettings
from genometracks.errors import UserError, add_prefix
from genometracks.evaluation.locus import Locus
from genometracks.evaluation.observed import observed_label
from genometracks.evaluation.sites import site_label
from genometracks.inputs.model import Metadata
from genometracks.plan.plan import Plan
from genometracks.reading.regions import parse_region
from genometracks.tracks.table import name_rows, safe_names

__all__ = [
    "BrowseInput",
    "Features",
    "Scene",
    "ShownObserved",
    "ShownTrack",
    "check_scene",
    "list_aliases",
    "list_genes",
    "list_observed",
    "list_regions",
    "list_sites",
    "make_scene",
]

FORMAT = 1


@dataclass(frozen=True)
class ShownTrack:
    """A predicted track.

    Attributes
    ----------
    track : str
        File stem: safe, and unique ignoring case.
    name, description : str
        As in the model: any text.
    metadata : dict
        Further columns of the model's metadata.
    computed : str
        How the values were computed, in words; may be "".
    file : Path
        The bigWig.
    limits : Limits
        Those of its group: a predicted track and the observed tracks that it is compared with.
    signal : float
        Standard deviation over all bases, by which tracks may be ranked.
    """

    track: str
    name: str
    description: str
    metadata: Metadata
    computed: str
    file: Path
    limits: Limits
    signal: float


@dataclass(frozen=True)
class ShownObserved:
    """An observed track on the model's scale: its label, its bigWig, and the predicted track."""

    name: str
    file: Path
    track: str
    limits: Limits


@dataclass(frozen=True)
class Features:
    """Genes, sites or regions, as a bigBed.

    Attributes
    ----------
    name : str
    file : Path
    track : str or None
        File stem of the predicted track that sites are compared with. Default is None.
    """

    name: str
    file: Path
    track: str | None = None


@dataclass(frozen=True)
class Scene:
    """What is shown of a run.

    Attributes
    ----------
    run : str
    folder : RunFolder
    genome : str
        Name of the genome.
    ucsc : str or None
        UCSC's name of the assembly, if it is one of UCSC's.
    contigs : dict
        Name -> length in bp, sorted by name.
    fasta : Path
        The normalised FASTA, with `.fai` beside it.
    bin : int
        Width of a bin in bp.
    tracks : tuple of ShownTrack
        In the order of tracks.tsv.
    observed : tuple of ShownObserved
    genes : Features or None
    sites : tuple of Features
    regions : tuple of Features
        The predicted regions and the blacklist, if the config has them.
    locus : Locus
        Where to start.
    group_by : tuple of str
        Columns of the metadata that group the tracks; empty if the config names none.
    email : str or None
    licence : str or None
        Terms of the model's weights, where they are known.
    aliases : dict
        Contig -> its name at UCSC, for those that have another one there. Default is none.
    weights : tuple of str
        The model's weights as configured. Default is ().
    """

    run: str
    folder: RunFolder
    genome: str
    ucsc: str | None
    contigs: dict[str, int]
    fasta: Path
    bin: int
    tracks: tuple[ShownTrack, ...]
    observed: tuple[ShownObserved, ...]
    genes: Features | None
    sites: tuple[Features, ...]
    regions: tuple[Features, ...]
    locus: Locus
    group_by: tuple[str, ...]
    email: str | None
    licence: str | None
    aliases: dict[str, str] = field(default_factory=dict)
    weights: tuple[str, ...] = ()


@dataclass(frozen=True)
class BrowseInput:
    """What a scene is made from, besides the plan and the bigWigs; kept for the page of a sheet."""

    settings: BrowseSettings
    fasta: str

    def save(self, path: Path) -> None:
        """Write browse.json, whole or not at all."""
        save_record(path, self, format=FORMAT)

    @classmethod
    def load(cls, path: Path) -> "BrowseInput":
        """Read browse.json; UserError if it is missing, damaged or of another version."""
        return load_record(cls, path, what="settings of the page", version=FORMAT)


def make_scene(plan: Plan, folder: RunFolder, settings: BrowseSettings, *, fasta: Path) -> Scene:
    """Collect what is shown of a run.

    Parameters
    ----------
    plan : Plan
    folder : RunFolder
        Holds the predicted bigWigs, and in `reference/` what is shown beside them.
    settings : BrowseSettings
    fasta : Path
        The normalised FASTA.

    Raises
    ------
    UserError
        If a bigWig is missing or damaged, the table of `genome.aliases` is not valid, or
        `browser.locus` or `browser.group_by` does not fit.
    """
    check_scene(plan, settings)
    views = [read_overview(folder.bigwig / f"{track.track}.bw") for track in plan.tracks]
    entries, files = settings.evaluation.observed, list_observed(folder, settings)
    rows = name_rows(plan.tracks)
    paired = [rows[entry.track] for entry in entries]
    groups = [[view] for view in views]
    for row, file in zip(paired, files, strict=True):
        groups[row].append(read_overview(file))
    tracks = tuple(
        ShownTrack(
            track=track.track,
            name=track.name,
            description=track.description,
            metadata=track.metadata,
            computed=track.computed,
            file=folder.bigwig / f"{track.track}.bw",
            limits=choose_limits(group),
            signal=group[0].sd if group[0].covered else 0.0,
        )
        for track, group in zip(plan.tracks, groups, strict=True)
    )
    strongest = max(range(len(tracks)), key=lambda row: tracks[row].signal)
    return Scene(
        run=settings.run,
        folder=folder,
        genome=plan.genome.name,
        ucsc=settings.ucsc,
        contigs=plan.lengths,
        fasta=fasta,
        bin=plan.geometry.bin,
        tracks=tracks,
        observed=tuple(
            ShownObserved(observed_label(entry), file, tracks[row].track, tracks[row].limits)
            for entry, file, row in zip(entries, files, paired, strict=True)
        ),
        genes=next(iter(list_genes(folder, settings)), None),
        sites=tuple(
            replace(each, track=tracks[rows[entry.track]].track)
            for each, entry in zip(
                list_sites(folder, settings), settings.evaluation.sites, strict=True
            )
        ),
        regions=tuple(list_regions(folder, settings)),
        locus=_find_locus(settings, plan, views[paired[0] if paired else strongest]),
        group_by=settings.browser.group_by,
        email=settings.browser.email,
        licence=plan.model.licence,
        aliases=list_aliases(plan, settings),
        weights=tuple(fold.source for fold in plan.model.folds),
    )


def check_scene(plan: Plan, settings: BrowseSettings) -> None:
    """Raise UserError for settings that do not fit the run, before anything is predicted."""
    _check_columns(settings.browser.group_by, plan)
    _parse_locus(settings, plan)
    list_aliases(plan, settings)


def list_aliases(plan: Plan, settings: BrowseSettings) -> dict[str, str]:
    """Contig -> its name at UCSC, from the table of the config."""
    if settings.aliases is None:
        return {}
    return read_aliases(Path(settings.aliases), lengths=plan.lengths)


def list_observed(folder: RunFolder, settings: BrowseSettings) -> list[Path]:
    """The bigWigs of the observed tracks on the model's scale, one per entry of the settings."""
    labels = [observed_label(entry) for entry in settings.evaluation.observed]
    return [folder.reference / "observed" / f"{stem}.bw" for stem in safe_names(labels)]


def list_genes(folder: RunFolder, settings: BrowseSettings) -> list[Features]:
    """The genes, if the config names an annotation."""
    given = settings.annotation
    return [Features("genes", folder.reference / "genes.bb")] if given else []


def list_sites(folder: RunFolder, settings: BrowseSettings) -> list[Features]:
    """The evaluated sites, one per entry of the settings."""
    labels = [site_label(entry) for entry in settings.evaluation.sites]
    return [
        Features(label, folder.reference / "sites" / f"{stem}.bb")
        for label, stem in zip(labels, safe_names(labels), strict=True)
    ]


def list_regions(folder: RunFolder, settings: BrowseSettings) -> list[Features]:
    """The predicted regions and the blacklist, if the config has them."""
    given = {"regions": settings.regions, "blacklist": settings.blacklist}
    return [Features(name, folder.reference / f"{name}.bb") for name, path in given.items() if path]


def _check_columns(group_by: Sequence[str], plan: Plan) -> None:
    known = list(dict.fromkeys(key for track in plan.tracks for key in track.metadata))
    for column in group_by:
        if column not in known:
            some = ", ".join(known) or "none"
            raise UserError(
                f"browser.group_by: the tracks have no column {column!r}: the columns of their "
                f"metadata are: {some}"
            )


def _parse_locus(settings: BrowseSettings, plan: Plan) -> Locus | None:
    """The locus of the config, if it names one."""
    if settings.browser.locus is None:
        return None
    try:
        region = parse_region(settings.browser.locus, lengths=plan.lengths)
    except UserError as error:
        raise UserError(add_prefix("browser.locus: ", error)) from error
    return Locus(region.contig, region.start, region.end)


def _find_locus(settings: BrowseSettings, plan: Plan, view: Overview) -> Locus:
    """The locus of the config, or else one where a track has signal."""
    given = _parse_locus(settings, plan)
    if given:
        return given
    evaluation = settings.evaluation
    width = evaluation.locus_width
    return choose_start(view, width=width, lengths=plan.lengths, held_out=evaluation.held_out)
