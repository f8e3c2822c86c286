"""BPNet: weights of bpnet-lite, basepairmodels, or one part of a ChromBPNet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grelu_models.errors import ModelError
from grelu_models.families.bpnet_graph import Graph, read_graph
from grelu_models.families.bpnet_layouts import Part, Sizes, Stored, find_models, measure_sizes
from grelu_models.families.citations import BPNET
from grelu_models.families.family import Family, Options, Statement
from grelu_models.files.architecture import LONGEST_WINDOW, Check, whole
from grelu_models.files.limits import show
from grelu_models.files.metadata import Track
from grelu_models.files.weights_file import WeightsFile

if TYPE_CHECKING:
    from torch import nn

    from grelu_models.models.bpnet import BPNet

__all__ = [
    "FAMILY",
    "LIMITS",
    "TRIMMING",
    "Placed",
    "choose",
    "find",
    "make_statement",
    "place",
    "read_readout",
]

WINDOW = 2114
"""Base pairs of the published windows of BPNet and ChromBPNet, which give 1,000 positions."""

MEAN_FLANK = 37
"""Positions beyond each end of the output that bpnet-lite's mean for the counts includes."""

STRANDS = "+-"


def choose(*names: str) -> tuple[str, Check]:
    """Description and check of one of several names."""
    return f"one of {', '.join(names)}", lambda value: isinstance(value, str) and value in names


TRIMMING = whole(0, LONGEST_WINDOW // 2)

LIMITS: dict[str, tuple[str, Check]] = {
    "output": choose("signal", "profile", "logits", "counts"),
    "counts": choose("exp", "expm1"),
    "trimming": TRIMMING,
    "variant": choose("BPNet", "BasePairNet"),
}
"""Options of BPNet. `variant` is the class of bpnet-lite, whose state dicts do not tell it."""

SCALES = {
    ("signal", "exp"): "expected counts per bp: softmax profile x exp(log counts)",
    ("signal", "expm1"): "expected counts per bp: softmax profile x (exp(log counts) - 1)",
    ("profile", "exp"): "profile probability",
    ("logits", "exp"): "profile logits",
    ("counts", "exp"): "log counts of the window",
}
"""(output, counts) -> scale in words."""


@dataclass(frozen=True)
class Placed:
    """One BPNet of a file, with its place in the window.

    Attributes
    ----------
    stored : Stored
    sizes : Sizes
    trim, counts_margin : int
        See `models.bpnet.BPNet`.
    activate_first : bool
        Whether its residual convolutions are those of basepairmodels.
    """

    stored: Stored
    sizes: Sizes
    trim: int
    counts_margin: int
    activate_first: bool

    def build(self, **readout: Any) -> BPNet:
        """Build the module, with random weights."""
        from grelu_models.models.bpnet import BPNet

        return BPNet(
            n_filters=self.sizes.filters,
            n_layers=self.sizes.layers,
            n_outputs=self.sizes.outputs,
            trim=self.trim,
            counts_margin=self.counts_margin,
            first_kernel=self.sizes.first_kernel,
            profile_kernel=self.sizes.profile_kernel,
            activate_first=self.activate_first,
            profile_bias=self.sizes.profile_bias,
            counts_bias=self.sizes.counts_bias,
            **readout,
        )


def find(file: WeightsFile, lone: Part) -> tuple[dict[Part, Stored], Graph]:
    """Find the BPNets in a file, and what its Keras config says of them.

    Parameters
    ----------
    file : WeightsFile
    lone : str
        The part whose layers in the config have no prefix.
    """
    models = find_models(file.path, file.shapes())
    return models, read_graph(file.path, getattr(file, "config", None), lone)


def place(
    path: Path,
    stored: Stored,
    options: Options,
    *,
    trimming: int | None,
    crop: int = 0,
    trim: int | None = None,
) -> Placed:
    """Read the sizes of a BPNet, and find its place in the window.

    Parameters
    ----------
    path : Path
        For error messages.
    stored : Stored
    options : dict
        `variant`.
    trimming : int or None
        Base pairs at each end that it was trained without; None for those that depend on padding,
        and `crop`.
    crop : int
        Positions of the profile that its Keras graph crops at each end. Default is 0.
    trim : int, optional
        Base pairs without output at each end, as of another BPNet whose output is added. Default is
        None: as it was trained.

    Raises
    ------
    ModelError
        If weights and options do not agree.
    """
    sizes = measure_sizes(path, stored)
    variant = options.get("variant")
    if stored.keras and variant is not None:
        raise ModelError(
            f"{path}: model.architecture: variant is only for weights of bpnet-lite, "
            f"these are of {stored.layout}: leave it out"
        )
    trained = sizes.reach + crop if trimming is None else trimming
    if stored.keras and trained < sizes.reach:
        raise ModelError(
            f"{path}: these weights of {stored.layout} give no output for {sizes.reach:,} bp at "
            f"each end of a window, so model.architecture.trimming cannot be {trained:,}"
        )
    if trim is not None and trained > trim:
        raise ModelError(
            f"{path}: the bias model trims {trained:,} bp at each end, the accessibility model "
            f"only {trim:,}: check model.architecture: trimming, bias_trimming"
        )
    margin = sizes.counts_reach if stored.keras else max(trained - MEAN_FLANK, 0)
    first = stored.layout == "basepairmodels" or variant == "BasePairNet"
    return Placed(stored, sizes, trained if trim is None else trim, margin, first)


def make_statement(
    placed: Placed,
    options: Options,
    *,
    window: int | None,
    what: str,
    citation: str = BPNET,
    notes: tuple[str, ...] = (),
) -> Statement:
    """State what is known about a BPNet or ChromBPNet.

    Parameters
    ----------
    placed : Placed
        The model that determines the outputs.
    options : dict
    window : int or None
        Base pairs, if known; otherwise the published window, where it is long enough.
    what : str
        Description of the tracks.
    citation : str
        Paper to cite for the model. Default is that of BPNet.
    notes : tuple of str
        Further notes. Default is ().
    """
    output, sizes = options.get("output", "signal"), placed.sizes
    published = WINDOW if WINDOW > 2 * placed.trim else None
    found = list(notes)
    if sizes.controls:
        found.append(
            f"the model was trained with {sizes.controls} control tracks: they are given as zeros"
        )
    if placed.trim < sizes.reach and output != "counts":
        found.append(
            f"{sizes.reach - placed.trim:,} bp at each end of the output depend on padding: "
            f"set prediction.trim to {sizes.reach - placed.trim} or more"
        )
    if sizes.outputs > 2 and output != "counts":
        found.append(
            f"which of the {sizes.outputs} outputs are strands of one another is not known: before "
            "averaging over strands, give strand_pair in model.tracks"
        )
    return Statement(
        window=window or published,
        activation=None,
        tracks=_name_tracks(output, 1 if output == "counts" else sizes.outputs, what),
        scale=SCALES[output, options.get("counts", "exp")],
        longer_windows=output == "logits" and placed.trim >= sizes.reach,
        citation=citation,
        notes=tuple(found),
    )


def _name_tracks(output: str, count: int, what: str) -> list[Track]:
    if count == 1:
        return [{"name": output, "description": what}]
    if count == 2:
        return [
            {
                "name": f"{output}{strand}",
                "description": f"{what}, {strand} strand",
                "strand": strand,
                "strand_pair": str(1 - i),
            }
            for i, strand in enumerate(STRANDS)
        ]
    return [{"name": f"{output}_{i}", "description": f"{what}, output {i}"} for i in range(count)]


def read_readout(options: Options) -> dict[str, Any]:
    """Return the options of `models.profile.ProfileModel`.

    Raises
    ------
    ModelError
        If `counts` is given for an output that it does not change.
    """
    output = options.get("output", "signal")
    if "counts" in options and output != "signal":
        raise ModelError(
            f"model.architecture: counts: {show(options['counts'])} is a scale of output: signal "
            f"only, not of output: {output}: leave it out"
        )
    return {"output": output, "counts": options.get("counts", "exp")}


def _place_single(file: WeightsFile, options: Options) -> tuple[Placed, Graph]:
    models, graph = find(file, "model")
    if len(models) > 1:
        raise ModelError(
            f"{file.path}: the weights are an accessibility and a bias model: "
            "set model.architecture.model_type to ChromBPNet"
        )
    part, stored = next(iter(models.items()))
    crop = graph.crops.get("accessibility" if part == "accessibility" else "model", 0)
    placed = place(file.path, stored, options, trimming=options.get("trimming"), crop=crop)
    return placed, graph


def _state(file: WeightsFile, options: Options) -> Statement:
    read_readout(options)
    placed, graph = _place_single(file, options)
    return make_statement(placed, options, window=graph.window, what="BPNet")


def _load(file: WeightsFile, options: Options) -> nn.Module:
    from grelu_models.families.bpnet_weights import convert_tensors
    from grelu_models.families.loading import build_with_weights

    placed, _ = _place_single(file, options)
    state = convert_tensors(
        file.state_dict(),
        placed.stored,
        placed.sizes,
        activate_first=placed.activate_first,
    )
    build = partial(placed.build, **read_readout(options))
    return build_with_weights(build, state, source=file.path)


FAMILY = Family("BPNet", _state, _load, LIMITS)
