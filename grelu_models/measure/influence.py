"""Which outputs of any module depend on the outermost bases of its window.

NaN at a base makes every output NaN that depends on this base: NaN passes through sums, products
(also with a weight of 0), maxima and activations. One forward pass therefore shows the exact set,
whatever the weights. A layer that multiplies bases by 0 (attention with a mask) counts as depending
on them.

Some modules block NaN (`torch.where`, conversion to integers). This shows as an output that is
finite, but not equal to that without NaN. Their outputs for other bases are compared instead, which
can miss an influence that is too small, or that the drawn bases do not show.
"""

from collections.abc import Callable
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn

from grelu_models.errors import ModelError
from grelu_models.measure.forward import Shape, make_bases, run

__all__ = ["Blocked", "Influence", "Side"]

Side = Literal["left", "right"]

Answer = TypeVar("Answer")

DRAWS = 4
"""Sequences whose bases are replaced, for modules that block NaN."""


class Blocked(Exception):
    """A module blocks NaN: what has been measured is void."""


class Influence:
    """Dependence of the outputs of a model on the outermost bases of a window.

    `count(side, k)` is the number of outputs, from that side, up to the last one that depends on
    any of the `k` outermost bases of the side. It does not decrease with k.

    Parameters
    ----------
    model : nn.Module
        (N, 4, window) -> (N, tracks, bins).
    window : int
        Base pairs.

    Attributes
    ----------
    passes : int
        Forward passes so far.
    """

    def __init__(self, model: nn.Module, window: int) -> None:
        self.model, self.window, self.passes = model, window, 0
        self._plain: dict[int, Tensor] = {}
        self._known: dict[tuple[Side, int], int] = {}
        self._values = False

    @property
    def shape(self) -> Shape:
        """Tracks and bins of the output."""
        return Shape(*self._run_plain(0).shape[1:])

    def ask(self, question: Callable[["Influence"], Answer]) -> Answer:
        """Return `question(self)`; it is asked again if the module turns out to block NaN."""
        try:
            return question(self)
        except Blocked:
            self._values = True
            self._known.clear()
            self._plain.clear()
            return question(self)

    def count(self, side: Side, k: int) -> int:
        """Count the outputs from a side to the last that depends on its `k` outermost bases."""
        if (side, k) not in self._known:
            reached = self._find_reached(k, 0) if side == "left" else self._find_reached(0, k)
            places = reached.nonzero().flatten().tolist()
            found = 0
            if places:
                found = places[-1] + 1 if side == "left" else self.shape.bins - places[0]
            self._known[side, k] = found
        return self._known[side, k]

    def count_both(self, left: int, right: int) -> None:
        """Learn `count` of both sides from one forward pass, if that tells them apart."""
        if ("left", left) in self._known or ("right", right) in self._known:
            return
        clean = (~self._find_reached(left, right)).nonzero().flatten().tolist()
        if clean and clean[-1] - clean[0] + 1 == len(clean):
            self._known["left", left] = clean[0]
            self._known["right", right] = self.shape.bins - 1 - clean[-1]

    def _find_reached(self, left: int, right: int) -> Tensor:
        """Find the outputs that depend on the outer bases: bool (bins,)."""
        if self._values:
            draws = range(1, DRAWS + 1)
            found = torch.stack([self._compare_values(left, right, seed=seed) for seed in draws])
            return found.any(0)
        plain = self._run_plain(0)
        if plain.isnan().any():
            raise ModelError(
                f"window {self.window}: the model gives NaN for random bases: check its weights"
            )
        bases = make_bases(self.model, self.window, seed=0)
        bases[..., :left] = torch.nan
        bases[..., self.window - right :] = torch.nan
        try:
            out = self._run(bases)
        except ModelError as error:
            raise Blocked from error
        changed = out != plain
        all_blocked = left + right >= self.window and not changed.any()
        if all_blocked or (changed & ~out.isnan()).any():
            raise Blocked
        return changed.any(1)[0]

    def _compare_values(self, left: int, right: int, *, seed: int) -> Tensor:
        """Find the outputs that change when each of the outer bases is replaced by another."""
        bases = make_bases(self.model, self.window, seed=seed)
        turn = 1 + seed % 3
        bases[..., :left] = bases[..., :left].roll(turn, 1)
        bases[..., self.window - right :] = bases[..., self.window - right :].roll(turn, 1)
        return (self._run(bases) != self._run_plain(seed)).any(1)[0]

    def _run_plain(self, seed: int) -> Tensor:
        if seed not in self._plain:
            self._plain[seed] = self._run(make_bases(self.model, self.window, seed=seed))
        return self._plain[seed]

    def _run(self, bases: Tensor) -> Tensor:
        self.passes += 1
        if not self._values:
            return run(self.model, bases)
        try:
            return run(self.model, bases, _call_double)
        except ModelError:
            return run(self.model, bases)


def _call_double(model: nn.Module, bases: Tensor) -> object:
    """Run a module with float64 copies of its parameters and buffers."""
    state = {
        name: tensor.double() if tensor.is_floating_point() else tensor
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]
    }
    return torch.func.functional_call(model, state, (bases.double(),))
