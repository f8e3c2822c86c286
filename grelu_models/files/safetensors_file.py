"""Files in the safetensors format: named tensors, without a pickle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grelu_models.errors import ModelError
from grelu_models.files.metadata import Metadata

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SafetensorsFile"]


@dataclass
class SafetensorsFile:
    """A `.safetensors` file; it states no metadata."""

    path: Path

    def metadata(self) -> Metadata:
        """See `WeightsFile`."""
        return Metadata()

    def state_dict(self) -> dict[str, Tensor]:
        """See `WeightsFile`."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(self.path)
        except (SafetensorError, OSError) as error:
            raise ModelError(f"{self.path}: no readable weights: {error}") from error
