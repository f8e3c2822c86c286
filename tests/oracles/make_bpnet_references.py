"""Make tests/grelu_models/bpnet_references.json with the programs themselves: run this file.

Needs bpnet-lite 1.1.0 and Keras 3.15.1, and nothing of this repository's packages.
"""

import json
from pathlib import Path

from bpnet_cases import CASES, evaluate, make, make_signal
from cases import make_bases, sample


def main() -> None:
    """Write for every case the names and shapes of the weights, and values of the outputs."""
    references = {}
    for name, case in CASES.items():
        made = make(case)
        logits, log_counts = evaluate(case, made, make_bases(case.length))
        references[name] = {
            "program": case.program,
            "options": case.options,
            "length": case.length,
            "trim": (case.length - logits.shape[2]) // 2,
            "state": {key: list(value.shape) for key, value in made.state.items()},
            "shape": list(logits.shape),
            "log_counts": log_counts.flatten().tolist(),
            "logits": _round(sample(logits)),
            "signal": _round(sample(make_signal(logits, log_counts))),
        }
    path = Path(__file__).parents[1] / "grelu_models" / "bpnet_references.json"
    lines = [f"{json.dumps(case)}: {json.dumps(value)}" for case, value in references.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def _round(values) -> list[float]:
    return [float(f"{x:.7g}") for x in values.tolist()]


if __name__ == "__main__":
    main()
