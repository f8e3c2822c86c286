"""Make tests/grelu_models/references.json with gReLU 1.1.0: run this file.

Needs gReLU (or its wheel on PYTHONPATH, with what `grelu.model.models` imports), and nothing of
this repository's packages.
"""

import json
from pathlib import Path

import torch

from cases import CASES, build, inputs, outputs, sample


def main() -> None:
    """Write for every case the shapes of the state dict, and values of the outputs."""
    references = {}
    for case in CASES:
        model = build(case, "grelu.model")
        with torch.inference_mode():
            found = outputs(model(*inputs(case)))
        references[case] = {
            "state": {key: list(value.shape) for key, value in model.state_dict().items()},
            "shapes": [list(output.shape) for output in found],
            "values": [[float(f"{x:.7g}") for x in sample(output).tolist()] for output in found],
        }
    path = Path(__file__).parents[1] / "grelu_models" / "references.json"
    lines = [f"{json.dumps(case)}: {json.dumps(value)}" for case, value in references.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
