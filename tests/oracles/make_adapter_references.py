"""Make tests/grelu_models/adapter_references.json with the packages themselves: run this file.

Needs borzoi-pytorch 0.5.1 and enformer-pytorch 0.8.11, and nothing of this repository's packages.
"""

import json
from pathlib import Path

from cases import fill_weights, make_bases, sample
from peers import (
    BORZOI,
    ENFORMER,
    evaluate,
    make_borzoi,
    make_enformer,
)

# The package stores gamma features for 1,536 positions and 32 features.
GAMMA = {"num_downsamples": 3, "depth": 1, "heads": 2}

# name: (package, model, length, head, our options without those of the head)
CASES = {
    "Borzoi": (
        "borzoi-pytorch",
        lambda: make_borzoi(flashed=False),
        96 * 32,
        "human",
        {"depth": BORZOI["depth"], "crop_len": (96 - BORZOI["bins_to_return"]) // 2},
    ),
    "Flashzoi": (
        "borzoi-pytorch",
        lambda: make_borzoi(flashed=True),
        96 * 32,
        "mouse",
        {
            "flashed": True,
            "depth": BORZOI["depth"],
            "crop_len": (96 - BORZOI["bins_to_return"]) // 2,
        },
    ),
    "Enformer": (
        "enformer-pytorch",
        lambda: make_enformer(target_length=30),
        64 * 16,
        "mouse",
        {**ENFORMER, "crop_len": (64 - 30) // 2, "use_tf_gamma": False},
    ),
    "Enformer, gamma of TensorFlow": (
        "enformer-pytorch",
        lambda: make_enformer(use_tf_gamma=True, **GAMMA),
        1536 * 8,
        "human",
        {**ENFORMER, **GAMMA, "crop_len": 0},
    ),
}


def main() -> None:
    """Write for every case the names and shapes of the weights, and values of the outputs."""
    references = {}
    for case, (package, make, length, head, options) in CASES.items():
        model = make()
        fill_weights(model.state_dict())
        found = evaluate(model, make_bases(length), head)
        references[case] = {
            "package": package,
            "options": {**options, "head": head, "n_tasks": found.shape[1]},
            "length": length,
            "state": {key: list(value.shape) for key, value in model.state_dict().items()},
            "shape": list(found.shape),
            "values": [float(f"{x:.7g}") for x in sample(found).tolist()],
        }
    path = Path(__file__).parents[1] / "grelu_models" / "adapter_references.json"
    lines = [f"{json.dumps(case)}: {json.dumps(value)}" for case, value in references.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
