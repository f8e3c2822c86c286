"""Contributions to a window's values, averaged: strands, shifts and folds.

For the reverse complement of a window, a model's output is read from the other end, and what it
says of a track is the value of the partner on the other strand. A window that is moved by some
base pairs gives its bins that much further on: whole bins of that are undone, what is left of it
stays, as it does where shifts are training's augmentation.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from genometracks.plan.geometry import count_halo
from genometracks.predict.untransform import Untransform
from grelu_models.card import ACTIVATIONS


class Average:
    """From windows to a run's tracks, by a model's logits.

    Parameters
    ----------
    recipe : dict
        See `recipe.make_recipe`.
    activation : str or None
        A key of `ACTIVATIONS`.
    folds : int
        Models.
    window : int
        Base pairs that a forward pass reads.
    bin : int or None
        Base pairs of its bins.
    device : torch.device
    """

    def __init__(
        self,
        recipe: dict,
        *,
        activation: str | None,
        folds: int,
        window: int,
        bin: int | None,
        device: torch.device,
    ) -> None:
        self._activate = ACTIVATIONS[activation]
        self._folds, self._window = folds, window
        self._shifts, self._late = recipe["shifts"], recipe["order"] == "logits"
        self._halo = count_halo(self._shifts, bin) if bin else 0
        self._bins = [int(shift / bin) if bin else 0 for shift in self._shifts]
        self._flipped = recipe["partners"] is not None
        self._swap = _choose(recipe["partners"], recipe, device) if self._flipped else None
        scale = recipe["scale"]
        undo = Untransform(scale, device=device) if scale else None
        self._undo_before = undo if scale and scale["when"] == "before" else None
        self._undo_after = undo if scale and scale["when"] == "after" else None
        self._outputs = _prepare_outputs(recipe, device)
        self._sd = recipe["sd"]

    def __call__(self, windows: Tensor, logits: Callable[[Tensor, int], Tensor]) -> Tensor:
        """Compute the run's tracks.

        Parameters
        ----------
        windows : tensor (N, 4, window + shifts)
            All that the contributions read: from the window that is moved furthest to the left to
            the end of the one furthest to the right.
        logits : callable
            (windows, fold) -> logits (N, channels, bins) of one forward pass.

        Returns
        -------
        float32 tensor (N, tracks, bins)
            The bins that all contributions give.
        """
        total, single = None, []
        for fold in range(self._folds):
            mean = self._average_fold(windows, lambda part, fold=fold: logits(part, fold))
            if self._sd:
                single.append(self._outputs(self._finish(mean)))
            total = mean if total is None else total + mean
        mean = total if self._folds == 1 else total / self._folds
        written = self._outputs(self._finish(mean))
        if not self._sd:
            return written
        return torch.cat([written, torch.stack(single).std(0, correction=1)], dim=1)

    def _average_fold(self, windows: Tensor, logits: Callable[[Tensor], Tensor]) -> Tensor:
        """The mean of a fold's strands and shifts."""
        low, total = min(self._shifts), None
        for shift, bins in zip(self._shifts, self._bins, strict=True):
            start = shift - low
            values = self._add_strands(windows[..., start : start + self._window], logits)
            values = values[..., self._halo - bins : values.shape[-1] - self._halo - bins]
            total = values if total is None else total + values
        count = len(self._shifts) * (2 if self._flipped else 1)
        return total if count == 1 else total / count

    def _add_strands(self, windows: Tensor, logits: Callable[[Tensor], Tensor]) -> Tensor:
        """Values of windows, to which those of their reverse complements are added.

        Both strands of a window are in one pass, and it takes two passes, so that each has as many
        windows as without: twice as many need twice the memory, and leave a CPU's cache.
        """
        if not self._flipped:
            return self._begin(logits(windows).float())
        sums = []
        for half in windows.split(-(-len(windows) // 2)):
            both = self._begin(logits(torch.cat([half, half.flip(1, 2)])).float())
            forward, reverse = both.chunk(2)
            sums.append(forward + self._swap(reverse.flip(-1)))
        return torch.cat(sums)

    def _begin(self, logits: Tensor) -> Tensor:
        """What is averaged."""
        if self._late:
            return logits
        values = self._activate(logits)
        return self._undo_before(values) if self._undo_before else values

    def _finish(self, mean: Tensor) -> Tensor:
        """Values of the average."""
        values = self._activate(mean) if self._late else mean
        return self._undo_after(values) if self._undo_after else values


def _prepare_outputs(recipe: dict, device: torch.device) -> Callable[[Tensor], Tensor]:
    """The run's tracks (N, tracks, bins) of the channels' values.

    Tracks that are computed alike, of equally many channels, are computed together: thousands of
    small steps would keep a GPU waiting.
    """
    outputs = recipe["outputs"]
    if all(output["of"] == "mean" and len(output["members"]) == 1 for output in outputs):
        return _choose([output["members"][0] for output in outputs], recipe, device)
    alike: dict[tuple, list[int]] = {}
    for place, output in enumerate(outputs):
        sides = len(output["members"]), len(output.get("control", ()))
        alike.setdefault((output["of"], *sides, output.get("pseudocount")), []).append(place)
    each = [
        _prepare_alike([outputs[place] for place in places], device) for places in alike.values()
    ]
    order = _index([place for places in alike.values() for place in places], device).argsort()
    return lambda values: torch.cat([one(values) for one in each], 1).index_select(1, order)


def _choose(places: list[int], recipe: dict, device: torch.device) -> Callable[[Tensor], Tensor]:
    """Take channels in an order, if it is not theirs."""
    if places == list(range(len(recipe["channels"]))):
        return lambda values: values
    index = _index(places, device)
    return lambda values: values.index_select(1, index)


def _prepare_alike(outputs: list[dict], device: torch.device) -> Callable[[Tensor], Tensor]:
    """Tracks that differ in their channels alone."""
    of, more = outputs[0]["of"], outputs[0].get("pseudocount")
    members = _gather(outputs, "members", device)
    if of in ("mean", "sum"):
        combine = getattr(torch, of)
        return lambda values: combine(members(values), 2)
    control = _gather(outputs, "control", device)

    def compare(values: Tensor) -> Tensor:
        one, other = (side(values).mean(2) for side in (members, control))
        if of == "difference":
            return one - other
        ratio = (one + more) / (other + more)
        return torch.log2(ratio) if of == "log2_ratio" else ratio

    return compare


def _gather(outputs: list[dict], side: str, device: torch.device) -> Callable[[Tensor], Tensor]:
    """Channels (N, channels, bins) -> those of each track (N, tracks, members, bins)."""
    places = [output[side] for output in outputs]
    index = _index([place for each in places for place in each], device)
    return lambda values: values.index_select(1, index).unflatten(1, (len(places), -1))


def _index(places: list[int], device: torch.device) -> Tensor:
    return torch.tensor(places, device=device)
