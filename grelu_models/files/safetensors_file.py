"""Files in the safetensors format: named tensors, without a pickle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grelu_models.errors import ModelError
from grelu_models.files.metadata import Metadata

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SafetensorsFile"]

LARGEST_HEADER = 16 * 2**20
"""Bytes of the largest header. That of Borzoi has 0.1 MB."""


@dataclass
class SafetensorsFile:
    """A `.safetensors` file; it states no metadata."""

    path: Path

    def metadata(self) -> Metadata:
        """See `WeightsFile`."""
        return Metadata()

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """See `WeightsFile`."""
        from safetensors import safe_open

        with self._report():
            self._check_header()
            with safe_open(self.path, framework="numpy") as file:
                return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118  # not a mapping

    def state_dict(self) -> dict[str, Tensor]:
        """See `WeightsFile`."""
        from safetensors.torch import load_file

        with self._report():
            self._check_header()
            return load_file(self.path)

    @contextmanager
    def _report(self) -> Iterator[None]:
        """Raise what a damaged file raises as an error with its path."""
        from safetensors import SafetensorError

        try:
            yield
        except ModelError:
            raise
        except Exception as error:  # a dtype of another version of torch is a KeyError
            reason = str(error) if isinstance(error, SafetensorError | OSError) else repr(error)
            raise ModelError(f"{self.path}: no readable weights: {reason}") from error

    def _check_header(self) -> None:
        """Refuse a header that takes much memory; all else is checked by safetensors."""
        with self.path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
        if LARGEST_HEADER < size < self.path.stat().st_size:
            raise ModelError(
                f"{self.path}: refused, its header is {size:,} bytes (at most {LARGEST_HEADER:,})"
            )
