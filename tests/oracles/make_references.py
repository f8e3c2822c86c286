"""Make tests/grelu_models/references.json with gReLU 1.1.0: run this file.

Needs gReLU (or its wheel on PYTHONPATH, with what `grelu.model.models` imports); nothing of ours.
"""

import json
from pathlib import Path

import grelu.model.models as oracle
import torch
from cases import CASES, arguments, fill_weights, one_hot


def main() -> None:
    """Write shapes of the state dict, and the output, of every case."""
    references = {}
    for name in CASES:
        kind, settings = arguments(name)
        model = getattr(oracle, kind)(**settings).eval()
        fill_weights(model)
        with torch.inference_mode():
            output = model(one_hot())
        state = {key: list(value.shape) for key, value in model.state_dict().items()}
        rounded = [[float(f"{x:.7g}") for x in row] for row in output[:, -1].tolist()]
        shape = list(output.shape)
        references[name] = {"state": state, "shape": shape, "last_track": rounded}
    path = Path(__file__).parents[1] / "grelu_models" / "references.json"
    path.write_text(json.dumps(references, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
