"""Average of the contributions to a window's values: strands, shifts and folds.

The output for the reverse complement of a window is reversed, and a track takes the value of its
partner on the other strand. The bins of a shifted window are displaced by the shift: its whole bins
are undone, and the remainder stays, as in training that augments by shifts.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from genometracks.plan.geometry import count_halo
from genometracks.predict.forward import Logits
from genometracks.predict.untransform import Untransform
from genometracks.tracks.formulas import Formula
from genometracks.tracks.recipe import Recipe
from grelu_models.card import ACTIVATIONS

Step = Callable[[Tensor], Tensor]


class Average:
    """Compute a run's tracks from windows, by the logits of a model.

    Parameters
    ----------
    recipe : Recipe
    activation : str or None
        A key of `grelu_models.card.ACTIVATIONS`.
    folds : int
        Number of models.
    window : int
        Base pairs that a forward pass reads.
    bin : int or None
        Base pairs per bin; None for one value per window.
    device : torch.device

    Attributes
    ----------
    strands : int
        Sequences in a forward pass per window: 2 if both strands are averaged, else 1.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        activation: str | None,
        folds: int,
        window: int,
        bin: int | None,
        device: torch.device,
    ) -> None:
        self._activate = ACTIVATIONS[activation]
        self._folds, self._window = folds, window
        self._shifts, self._late = recipe.shifts, recipe.order == "logits"
        self._halo = count_halo(self._shifts, bin) if bin else 0
        self._bins = [int(shift / bin) if bin else 0 for shift in self._shifts]
        partners = recipe.partners
        self._swap = None if partners is None else _choose(partners, recipe, device)
        self.strands = 1 if partners is None else 2
        scale = recipe.scale
        undo = Untransform(scale, device=device) if scale else None
        self._undo_before = undo if scale and scale.when == "before" else None
        self._undo_after = undo if scale and scale.when == "after" else None
        self._outputs = _prepare_outputs(recipe, device)
        self._sd = recipe.sd

    def __call__(self, windows: Tensor, logits: Logits) -> Tensor:
        """Compute the run's tracks.

        Parameters
        ----------
        windows : tensor (N, 4, window + shifts)
            Everything that the contributions read: from the start of the window shifted furthest to
            the left to the end of the one shifted furthest to the right.
        logits : callable
            (windows, fold) -> logits (N, channels, bins) of one forward pass.

        Returns
        -------
        float32 tensor (N, tracks, bins)
            The bins that all contributions give.
        """
        total: Tensor | None = None
        single = []
        for fold in range(self._folds):
            mean = self._average_fold(windows, _choose_fold(logits, fold))
            if self._sd:
                single.append(self._outputs(self._finish(mean)))
            total = mean if total is None else total + mean
        assert total is not None  # there is at least one fold
        mean = total if self._folds == 1 else total / self._folds
        written = self._outputs(self._finish(mean))
        if not self._sd:
            return written
        return torch.cat([written, torch.stack(single).std(0, correction=1)], dim=1)

    def _average_fold(self, windows: Tensor, logits: Step) -> Tensor:
        """The mean of a fold's strands and shifts."""
        low = min(self._shifts)
        total: Tensor | None = None
        for shift, bins in zip(self._shifts, self._bins, strict=True):
            start = shift - low
            values = self._add_strands(windows[..., start : start + self._window], logits)
            values = values[..., self._halo - bins : values.shape[-1] - self._halo - bins]
            total = values if total is None else total + values
        assert total is not None  # there is at least one shift
        count = len(self._shifts) * self.strands
        return total if count == 1 else total / count

    def _add_strands(self, windows: Tensor, logits: Step) -> Tensor:
        """Values of windows, plus those of their reverse complements if strands are averaged.

        A pass contains both strands of half of the windows, so it is as large as a pass of one
        strand: a doubled batch needs twice the memory and exceeds a CPU's cache.
        """
        if self._swap is None:
            return self._begin(logits(windows).float())
        sums = []
        for half in windows.split(-(-len(windows) // 2)):
            both = self._begin(logits(torch.cat([half, half.flip(1, 2)])).float())
            forward, reverse = both.chunk(2)
            sums.append(forward + self._swap(reverse.flip(-1)))
        return torch.cat(sums)

    def _begin(self, logits: Tensor) -> Tensor:
        """Compute the values that are averaged from logits."""
        if self._late:
            return logits
        values = self._activate(logits)
        return self._undo_before(values) if self._undo_before else values

    def _finish(self, mean: Tensor) -> Tensor:
        """Compute the final values from their average."""
        values = self._activate(mean) if self._late else mean
        return self._undo_after(values) if self._undo_after else values


def _choose_fold(logits: Logits, fold: int) -> Step:
    return lambda windows: logits(windows, fold)


def _prepare_outputs(recipe: Recipe, device: torch.device) -> Step:
    """Channels (N, channels, bins) -> the run's tracks (N, tracks, bins).

    Tracks with the same operation and number of channels are computed together: thousands of small
    kernels would leave a GPU idle.
    """
    outputs = recipe.outputs
    if all(output.of == "mean" and len(output.members) == 1 for output in outputs):
        return _choose([output.members[0] for output in outputs], recipe, device)
    alike: dict[tuple[object, ...], list[int]] = {}
    for place, output in enumerate(outputs):
        sides = len(output.members), len(output.control)
        alike.setdefault((output.of, *sides, output.pseudocount), []).append(place)
    each = [
        _prepare_alike([outputs[place] for place in places], device) for places in alike.values()
    ]
    order = _index([place for places in alike.values() for place in places], device).argsort()
    return lambda values: torch.cat([one(values) for one in each], 1).index_select(1, order)


def _choose(places: list[int], recipe: Recipe, device: torch.device) -> Step:
    """Take channels in an order; nothing is copied if they are in that order already."""
    if places == list(range(len(recipe.channels))):
        return lambda values: values
    index = _index(places, device)
    return lambda values: values.index_select(1, index)


def _prepare_alike(outputs: list[Formula], device: torch.device) -> Step:
    """Channels -> tracks with the same formula, over different channels."""
    of, more = outputs[0].of, outputs[0].pseudocount or 0.0
    members = _gather([output.members for output in outputs], device)
    if of in ("mean", "sum"):
        combine = torch.mean if of == "mean" else torch.sum
        return lambda values: combine(members(values), 2)
    control = _gather([output.control for output in outputs], device)

    def compare(values: Tensor) -> Tensor:
        one, other = (side(values).mean(2) for side in (members, control))
        if of == "difference":
            return one - other
        ratio = (one + more) / (other + more)
        return torch.log2(ratio) if of == "log2_ratio" else ratio

    return compare


def _gather(places: list[tuple[int, ...]], device: torch.device) -> Step:
    """Channels (N, channels, bins) -> those of each track (N, tracks, members, bins)."""
    index = _index([place for each in places for place in each], device)
    return lambda values: values.index_select(1, index).unflatten(1, (len(places), -1))


def _index(places: list[int], device: torch.device) -> Tensor:
    return torch.tensor(places, device=device)
