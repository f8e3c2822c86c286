"""GRU, LSTM and Bidirectional of Keras on (N, channels, length)."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from grelu_models.files.keras.activations import STANDARD
from grelu_models.models.keras.activations import get_function
from grelu_models.models.keras.weighted import Weighted

__all__ = ["Bidirectional", "Recurrent"]


def identity(x: Tensor) -> Tensor:
    """The activation "linear"."""
    return x


class Recurrent(Weighted):
    """A GRU or an LSTM: (N, C, L) -> (N, units, L), or the last output (N, units).

    The layers of torch compute those with standard activations; others run step by step.

    Parameters
    ----------
    options : dict
        As `files.keras.weights` reads them.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        self.kind, self.units = options["kind"], options["units"]
        self.sequences, self.backwards = options["sequences"], options["backwards"]
        self.reset_after = options["reset_after"] and self.kind == "GRU"
        channels, units, self.biased = options["channels"], self.units, options["bias"]
        width = (3 if self.kind == "GRU" else 4) * units
        self.shapes = {"kernel": (channels, width), "recurrent_kernel": (units, width)}
        if self.biased:
            self.shapes["bias"] = (2, width) if self.reset_after else (width,)
        chosen = (options["activation"], options["recurrent_activation"])
        self.fused = chosen == STANDARD and (self.kind == "LSTM" or self.reset_after)
        self.outer: Callable[[Tensor], Tensor] = get_function(chosen[0]) or identity
        self.inner: Callable[[Tensor], Tensor] = get_function(chosen[1]) or identity
        if self.fused:
            layer = nn.GRU if self.kind == "GRU" else nn.LSTM
            self.rnn = layer(channels, units, bias=self.biased, batch_first=True)
        else:
            for name, shape in self.shapes.items():
                self.register_parameter(name, nn.Parameter(torch.empty(shape)))

    def convert(self, variables: dict[str, Tensor]) -> dict[str, Tensor]:
        if not self.fused:
            return dict(variables)
        found = {
            "rnn.weight_ih_l0": self._order(variables["kernel"].T),
            "rnn.weight_hh_l0": self._order(variables["recurrent_kernel"].T),
        }
        if self.biased:
            given = variables["bias"]
            both = given if self.reset_after else torch.stack([given, torch.zeros_like(given)])
            found |= {f"rnn.bias_{k}_l0": self._order(both[i]) for i, k in enumerate(("ih", "hh"))}
        return found

    def _order(self, rows: Tensor) -> Tensor:
        """The gates in the order of torch: of a GRU, reset comes before update."""
        if self.kind == "LSTM":
            return rows
        update, reset, new = rows.split(self.units)
        return torch.cat([reset, update, new])

    def forward(self, x: Tensor) -> Tensor:
        """Outputs in the order in which positions were read: backwards, the last one is first."""
        x = x.transpose(1, 2)
        x = x.flip(1) if self.backwards else x
        if x.is_meta:  # torch would step through all positions there
            out = x.new_empty(*x.shape[:2], self.units)
        else:
            out = self.rnn(x)[0] if self.fused else self._step_through(x)
        return out.transpose(1, 2) if self.sequences else out[:, -1]

    def _step_through(self, x: Tensor) -> Tensor:
        """All outputs (N, L, units), one position after the other."""
        step = self._step_lstm if self.kind == "LSTM" else self._step_gru
        inputs = x @ self.get_parameter("kernel")
        if self.biased:
            bias = self.get_parameter("bias")
            inputs = inputs + (bias[0] if self.reset_after else bias)
        state = [x.new_zeros(len(x), self.units)] * 2
        outputs = []
        for at in inputs.unbind(1):
            state = step(at, *state)
            outputs.append(state[0])
        return torch.stack(outputs, 1)

    def _step_gru(self, x: Tensor, h: Tensor, _: Tensor) -> list[Tensor]:
        weight = self.get_parameter("recurrent_kernel")
        update, reset, new = x.split(self.units, 1)
        if self.reset_after:
            past = h @ weight
            if self.biased:
                past = past + self.get_parameter("bias")[1]
            past_update, past_reset, past_new = past.split(self.units, 1)
            reset = self.inner(reset + past_reset)
            new = self.outer(new + reset * past_new)
        else:
            first, last = weight.split((2 * self.units, self.units), 1)
            past_update, past_reset = (h @ first).split(self.units, 1)
            reset = self.inner(reset + past_reset)
            new = self.outer(new + (reset * h) @ last)
        update = self.inner(update + past_update)
        return [update * h + (1 - update) * new, h]

    def _step_lstm(self, x: Tensor, h: Tensor, memory: Tensor) -> list[Tensor]:
        gates = x + h @ self.get_parameter("recurrent_kernel")
        enter, forget, new, leave = gates.split(self.units, 1)
        memory = self.inner(forget) * memory + self.inner(enter) * self.outer(new)
        return [self.inner(leave) * self.outer(memory), memory]


class Bidirectional(Weighted):
    """Two recurrent layers in opposite directions, whose outputs are merged."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        self.forwards, self.backwards = (
            Recurrent(options[name]) for name in ("forward", "backward")
        )
        self.merge = options["merge"]
        self.shapes = {
            f"{name}/{role}": shape
            for name, layer in (("forward", self.forwards), ("backward", self.backwards))
            for role, shape in layer.shapes.items()
        }

    def convert(self, variables: dict[str, Tensor]) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for name, layer in (("forward", self.forwards), ("backward", self.backwards)):
            own = {role: variables[f"{name}/{role}"] for role in layer.shapes}
            found |= {f"{name}s.{key}": value for key, value in layer.convert(own).items()}
        return found

    def forward(self, x: Tensor) -> Tensor:
        ahead, behind = self.forwards(x), self.backwards(x)
        if behind.ndim == 3:
            behind = behind.flip(2)
        if self.merge == "concat":
            return torch.cat([ahead, behind], 1)
        if self.merge == "mul":
            return ahead * behind
        return (ahead + behind) / (2 if self.merge == "ave" else 1)
