"""Files -> a model and its card. Nothing in a file is ever executed, unless the caller gives code.

A gReLU checkpoint describes its architecture, tracks and training itself. Other weights are
described by a YAML or JSON file of the same stem beside them, or by the caller.
"""

from pathlib import Path

from torch import nn

from grelu_models.card import (
    ACTIVATIONS,
    Geometry,
    ModelCard,
    digest_weights,
)
from grelu_models.description import (
    Description,
    complete_tracks,
    describe,
    find_weights,
    open_model,
    pair_strands,
)
from grelu_models.errors import MisfitError, ModelError
from grelu_models.families import Options
from grelu_models.families.own_code import OwnCode
from grelu_models.families.python import digest_own
from grelu_models.files.architecture import LONGEST_WINDOW
from grelu_models.files.limits import show
from grelu_models.files.metadata import Architecture, Track
from grelu_models.files.program_file import PROGRAM
from grelu_models.files.weights import load_weights, read_state_dict
from grelu_models.files.weights_file import WeightsFile
from grelu_models.measure import measure_model
from grelu_models.models.build import build_model
from grelu_models.models.layout import ChannelsLast
from grelu_models.models.own import check_values, check_weights

__all__ = [
    "build_model",
    "compute_digest",
    "load",
    "load_unmeasured",
    "load_weights",
    "read_state_dict",
]


def load(
    source: str | Path,
    *,
    architecture: Architecture | None = None,
    window: int | None = None,
    bin: int | None = None,
    activation: str | None = None,
    tracks: list[Track] | None = None,
    sha256: str | None = None,
    options: Options | None = None,
    code: OwnCode | None = None,
) -> tuple[nn.Module, ModelCard]:
    """Load a model, in eval mode on the CPU, and its card.

    Parameters
    ----------
    source : path or str
        `.safetensors`, a torch file with a plain state dict, or a gReLU checkpoint; or a file on
        the Hugging Face hub, `repo@revision:file`.
    architecture : dict, optional
        `model_type` and the options of its family (`families.FAMILIES`).
        Default is None: as in the metadata.
    window : int, optional
        Base pairs that a forward pass reads. Default is None: as in the metadata.
    bin : int, optional
        Base pairs per output bin, for a model on which they cannot be measured; elsewhere, it is
        compared. Default is None.
    activation : str, optional
        A key of `card.ACTIVATIONS`, or "logits" for none. Default is None: as in the metadata.
    tracks : list of dict, optional
        `name` and any further columns of each track. Default is None: as in the metadata.
    sha256 : str, optional
        Hex digest that the file must have. Default is None: any file is accepted.
    options : dict, optional
        Options of the family, which take precedence over those of `architecture`. Default is None:
        no others.
    code : OwnCode, optional
        A function that returns the model, from `families.own_code.find_code`. It is run;
        `architecture` holds the options `layout`, `output` and `n_tasks`. Default is None: nothing
        is run.

    Returns
    -------
    nn.Module
        One-hot bases (N, 4, window) -> logits (N, tracks, bins).
    ModelCard

    Raises
    ------
    ModelError
        If a file is missing or damaged, or its parts do not fit together.

    Examples
    --------
    A small model with random weights, saved and loaded again:

    >>> import tempfile, torch
    >>> architecture = {"model_type": "ConvModel", "n_tasks": 2, "final_pool_func": None}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "toy.pt"
    ...     torch.save(build_model(architecture).state_dict(), path)
    ...     model, card = load(path, architecture=architecture, window=100, activation="exp")
    >>> card.geometry
    Geometry(window=100, bin=1, crop=0, length=100, tracks=2)
    >>> card.activation, card.tracks[0]["name"], card.receptive_field
    ('exp', 'track_0', 19)
    >>> model(torch.zeros(1, 4, 100)).shape
    torch.Size([1, 2, 100])
    """
    path = find_weights(source, sha256=sha256)
    file = open_model(path, code)
    described = describe(file, architecture=architecture, options=options, code=code)
    window = _choose_window(path, described, window)
    activation = _choose_activation(path, described, activation)
    model = _load_described(file, described)
    if described.family.name in ("python", PROGRAM):
        check_values(model, window, source=code.file if code else str(path))
    if code:
        check_weights(model, _load_described(file, described), source=code.file)
    measured = measure_model(model, window, bin=bin)
    geometry = measured.geometry
    _check_count(path, described, geometry)
    _check_bin(path, described, geometry)
    statement = described.statement
    origin = path if tracks else described.stated_in.get("tracks", path)
    named = complete_tracks(origin, tracks or described.tracks, statement, geometry.tracks)
    card = ModelCard(
        source=str(source),
        architecture=described.architecture,
        geometry=geometry,
        receptive_field=measured.receptive_field,
        flanks=measured.flanks,
        activation=activation,
        tracks=named,
        strand_partners=pair_strands(origin, named),
        digest=_digest(model, described, activation, code=code, path=path),
        train=described.train,
        intervals=described.intervals,
        statement=statement,
        notes=[*statement.notes, *measured.notes, *_compare_windows(window, described)],
        beside=described.beside,
    )
    return model, card


def load_unmeasured(
    source: str | Path,
    *,
    architecture: Architecture | None = None,
    activation: str | None = None,
    code: OwnCode | None = None,
) -> tuple[nn.Module, str]:
    """Load a model as `load` does, without measuring its card.

    For a measurement, torch imports 800 further modules (2 s, 70 MB), which a job that already has
    the card's values does not need.

    Parameters
    ----------
    source, architecture, activation, code
        See `load`.

    Returns
    -------
    nn.Module
        In eval mode, on the CPU.
    str
        The digest that the card would have.

    Raises
    ------
    ModelError
        As `load`.
    """
    path = find_weights(source)
    file = open_model(path, code)
    described = describe(file, architecture=architecture, code=code)
    model = _load_described(file, described)
    activation = _choose_activation(path, described, activation)
    return model, _digest(model, described, activation, code=code, path=path)


def compute_digest(
    source: str | Path,
    *,
    architecture: Architecture | None = None,
    activation: str | None = None,
    code: OwnCode | None = None,
) -> str:
    """Compute the digest that `load` gives, without running code of the user's own.

    Parameters
    ----------
    source, architecture, activation, code
        See `load`.

    Raises
    ------
    ModelError
        As `load`.
    """
    if code is None:
        return load_unmeasured(source, architecture=architecture, activation=activation)[1]
    path = find_weights(source)
    described = describe(open_model(path, code), architecture=architecture, code=code)
    chosen = _choose_activation(path, described, activation)
    return digest_own(code, path, sorted(described.architecture.items()), chosen)


def _choose_window(path: Path, described: Description, given: int | None) -> int:
    window = given or described.window
    if not isinstance(window, int) or window < 1:
        raise ModelError(f"{path}: the window is not known: give model.window in base pairs")
    if window > LONGEST_WINDOW:
        raise ModelError(
            f"{path}: the window is {show(window)} bp (at most {LONGEST_WINDOW:,}): "
            "give a shorter model.window"
        )
    return window


def _choose_activation(path: Path, described: Description, given: str | None) -> str | None:
    activation = described.activation if given is None else given
    activation = None if activation == "logits" else activation
    if activation not in ACTIVATIONS:
        known = ", ".join(str(name) for name in ACTIVATIONS if name)
        origin = path if given else described.stated_in.get("activation", path)
        raise ModelError(f"{origin}: unknown activation {activation!r}: use logits, {known}")
    return activation


def _load_described(file: WeightsFile, described: Description) -> nn.Module:
    try:
        model = described.family.load(file, described.options)
    except MisfitError as error:
        if "architecture" not in described.stated_in:
            raise
        origin = described.stated_in["architecture"].name
        raise ModelError(f"{error}; the architecture is that of {origin} beside them") from error
    return (ChannelsLast(model) if described.statement.layout == "NLC" else model).eval()


def _digest(
    model: nn.Module,
    described: Description,
    activation: str | None,
    *,
    code: OwnCode | None,
    path: Path,
) -> str:
    architecture = sorted(described.architecture.items())
    if code:
        return digest_own(code, path, architecture, activation)
    return digest_weights(model.state_dict(), architecture, activation)


def _check_count(path: Path, described: Description, geometry: Geometry) -> None:
    """Compare the stated number of tracks, which a workflow relies on, with the model's."""
    stated = described.statement.count
    if stated not in (None, geometry.tracks):
        origin = described.stated_in.get("architecture", path)
        raise ModelError(
            f"{origin}: {stated} tracks are stated, but the model has {geometry.tracks}: check "
            "n_tasks"
        )


def _check_bin(path: Path, described: Description, geometry: Geometry) -> None:
    """Compare the bin size of the training with the model's, unless it gives one value."""
    stated = described.bin_size
    if stated and geometry.bin and geometry.length > 1 and stated != geometry.bin:
        origin = described.stated_in.get("bin_size", path)
        raise ModelError(
            f"{origin}: the metadata state bins of {stated} bp, but those of the model are "
            f"{geometry.bin} bp: check bin_size and model.architecture"
        )


def _compare_windows(window: int, described: Description) -> list[str]:
    trained = described.window
    if trained in (None, window) or described.statement.longer_windows:
        return []
    return [
        f"windows of {window} bp are read by a model that was trained on {trained} bp: "
        "its values may differ from those of its training"
    ]
