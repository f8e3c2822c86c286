"""The BPNets in a weights file, recognised by the names of its tensors. Needs no torch.

Three programs store them: bpnet-lite (torch), chrombpnet and basepairmodels (Keras).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from grelu_models.errors import ModelError
from grelu_models.files.architecture import MOST_TRACKS

__all__ = ["Layout", "Part", "Sizes", "Stored", "find_models", "measure_sizes"]

Layout = Literal["bpnet-lite", "chrombpnet", "basepairmodels"]
Part = Literal["model", "accessibility", "bias"]
Shape = tuple[int, ...]

MOST_LAYERS = 24
"""Residual convolutions. The dilation of the last would be 16,777,216 bp."""

WIDEST = 10_001
"""Base pairs of a convolution."""

WRAPPERS = ("module.", "model.")
"""Prefixes that torch's DataParallel and bpnet-lite's wrappers add to every name."""

LITE = re.compile(
    r"(?:(?P<part>bias|accessibility)\.)?(?P<module>iconv|rconvs\.\d{1,3}|fconv|linear)"
    r"\.(?P<kind>weight|bias)"
)

KERAS: tuple[tuple[Layout, Part, dict[str, str]], ...] = (
    (
        "chrombpnet",
        "bias",
        {
            "bpnet_1st_conv": "iconv",
            r"bpnet_(\d{1,3})conv": "rconvs",
            "prof_out_precrop": "fconv",
            "logcount_predictions": "linear",
        },
    ),
    (
        "chrombpnet",
        "accessibility",
        {
            "wo_bias_bpnet_1st_conv": "iconv",
            r"wo_bias_bpnet_(\d{1,3})conv": "rconvs",
            "wo_bias_bpnet_prof_out_precrop": "fconv",
            "wo_bias_bpnet_logcount_predictions": "linear",
        },
    ),
    (
        "basepairmodels",
        "model",
        {
            "main_conv_0": "iconv",
            r"main_dil_conv_(\d{1,3})": "rconvs",
            "main_profile_head": "fconv",
            "main_counts_head": "linear",
            "profile_predictions": "profile_mix",
            "logcounts_predictions": "counts_mix",
        },
    ),
)
"""(layout, part, pattern of a layer's name -> module of bpnet-lite). The layers `..._mix` of
basepairmodels join the output of a head with the control tracks."""


@dataclass(frozen=True)
class Stored:
    """One BPNet in a file.

    Attributes
    ----------
    layout : str
    names : dict
        Tensor, by the names of bpnet-lite -> its name in the file.
    shapes : dict
        Tensor -> shape in torch's order of axes: (out, in, width).
    """

    layout: Layout
    names: dict[str, str]
    shapes: dict[str, Shape]

    @property
    def keras(self) -> bool:
        """Whether tensors are stored in Keras' order of axes, which is torch's reversed."""
        return self.layout != "bpnet-lite"


@dataclass(frozen=True)
class Sizes:
    """Sizes of a BPNet, read from the shapes of its tensors.

    Attributes
    ----------
    filters, layers, outputs, controls : int
    first_kernel, profile_kernel : int
        Widths.
    profile_bias, counts_bias : bool
    """

    filters: int
    layers: int
    outputs: int
    controls: int
    first_kernel: int
    profile_kernel: int
    profile_bias: bool
    counts_bias: bool

    @property
    def counts_reach(self) -> int:
        """Base pairs at each side that a position of the last residual convolution depends on."""
        return self.first_kernel // 2 + sum(1 << i for i in range(1, self.layers + 1))

    @property
    def reach(self) -> int:
        """Base pairs at each side that an output of the profile depends on."""
        return self.counts_reach + self.profile_kernel // 2


def find_models(path: Path, shapes: Mapping[str, Shape]) -> dict[Part, Stored]:
    """Find the BPNets among named tensors.

    Parameters
    ----------
    path : Path
        For error messages.
    shapes : dict
        Shape of each tensor in the file, by its name there.

    Returns
    -------
    dict
        "model": a single BPNet of bpnet-lite or basepairmodels. "accessibility" and "bias": those
        of ChromBPNet; a file of chrombpnet may have only one of them.

    Raises
    ------
    ModelError
        If there is a tensor of something else. The message names the first one.
    """
    prefix = _find_prefix(shapes)
    names: dict[Part, dict[str, str]] = {}
    layouts: set[Layout] = set()
    for name in shapes:
        found = _locate(name.removeprefix(prefix))
        layouts |= {found[0]} if found else set()
        if found is None or len(layouts) > 1:
            raise ModelError(
                f"{path}: {name} is not a tensor of a BPNet or ChromBPNet, as bpnet-lite, "
                "chrombpnet or basepairmodels name them: check model.architecture.model_type"
            )
        names.setdefault(found[1], {})[found[2]] = name
    if not layouts:
        raise ModelError(f"{path}: it has no tensors: check model.weights")
    layout = layouts.pop()
    if layout == "basepairmodels" and "linear.weight" not in names["model"]:  # no control tracks
        names["model"] = {
            key.replace("counts_mix", "linear"): name for key, name in names["model"].items()
        }
    step = 1 if layout == "bpnet-lite" else -1
    return {
        part: Stored(layout, of_part, {key: shapes[name][::step] for key, name in of_part.items()})
        for part, of_part in names.items()
    }


def _find_prefix(names: Mapping[str, Shape]) -> str:
    prefix = ""
    while names:
        longer = [
            prefix + wrapper
            for wrapper in WRAPPERS
            if all(name.startswith(prefix + wrapper) for name in names)
        ]
        if not longer:
            break
        prefix = longer[0]
    return prefix


def _locate(name: str) -> tuple[Layout, Part, str] | None:
    """Layout, part and bpnet-lite's name of a tensor."""
    lite = LITE.fullmatch(name)
    if lite:
        of: Any = lite["part"] or "model"
        return "bpnet-lite", of, f"{lite['module']}.{lite['kind']}"
    *_, layer, variable = ["", *name.split("/")]
    kind = {"kernel": "weight", "bias": "bias"}.get(variable.removesuffix(":0"))
    for layout, part, modules in KERAS if kind else ():
        for pattern, module in modules.items():
            found = re.fullmatch(pattern, layer)
            if found:
                number = f".{int(found[1]) - 1}" if found.groups() else ""
                return layout, part, f"{module}{number}.{kind}"
    return None


def measure_sizes(path: Path, stored: Stored) -> Sizes:
    """Read the sizes of a BPNet from the shapes of its tensors.

    Raises
    ------
    ModelError
        If a tensor is missing, or shapes do not fit together or are impossible.
    """

    def read(tensor: str, axes: int) -> Shape:
        shape = stored.shapes.get(tensor)
        if shape is None:
            raise ModelError(f"{path}: the weights of BPNet lack {tensor} (in bpnet-lite's names)")
        if len(shape) != axes or 0 in shape:
            raise ModelError(f"{path}: {stored.names[tensor]} has the shape {shape}")
        return shape

    filters, _, first_kernel = read("iconv.weight", 3)
    outputs, inputs, profile_kernel = read("fconv.weight", 3)
    read("linear.weight", 2)
    mixed = "profile_mix.weight" in stored.shapes or "counts_mix.weight" in stored.shapes
    if mixed:
        read("counts_mix.weight", 2)
    controls = read("profile_mix.weight", 3)[1] - outputs if mixed else inputs - filters
    layers = sum(name.startswith("rconvs.") and name.endswith(".weight") for name in stored.shapes)
    for i in range(layers):
        read(f"rconvs.{i}.weight", 3)
    appended = 0 if mixed else max(controls, 0)
    expected = {
        "iconv": (filters, 4, first_kernel),
        **{f"rconvs.{i}": (filters, filters, 3) for i in range(layers)},
        "fconv": (outputs, filters + appended, profile_kernel),
        "linear": (1, filters + (appended > 0)),
        "profile_mix": (outputs, outputs + max(controls, 1), 1),
        "counts_mix": (1, 2),
    }
    for tensor, found in stored.shapes.items():
        module, _, kind = tensor.rpartition(".")
        shape = expected.get(module, ())
        shape = shape if kind == "weight" else shape[:1]
        if found != shape or not shape:
            raise ModelError(
                f"{path}: {stored.names[tensor]} is {found}, in torch's order of axes, where a "
                f"BPNet of {filters} filters and {outputs} outputs has {shape or 'no such tensor'}"
            )
    _check_sizes(path, layers, outputs, (first_kernel, profile_kernel))
    return Sizes(
        filters,
        layers,
        outputs,
        controls,
        first_kernel,
        profile_kernel,
        profile_bias="fconv.bias" in stored.shapes or "profile_mix.bias" in stored.shapes,
        counts_bias=controls > 0 or "linear.bias" in stored.shapes,
    )


def _check_sizes(path: Path, layers: int, outputs: int, kernels: tuple[int, int]) -> None:
    wrong = {
        f"{layers} residual convolutions (at most {MOST_LAYERS})": layers > MOST_LAYERS,
        f"{outputs:,} outputs (at most {MOST_TRACKS:,})": outputs > MOST_TRACKS,
        f"kernels of width {kernels[0]:,} and {kernels[1]:,} (odd, at most {WIDEST:,})": (
            kernels[0] % 2 == 0 or kernels[1] % 2 == 0 or max(kernels) > WIDEST
        ),
    }
    for text, true in wrong.items():
        if true:
            raise ModelError(f"{path}: its BPNet has {text}: check model.weights")
