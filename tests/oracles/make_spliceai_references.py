"""Make tests/grelu_models/families/spliceai.json with Keras and OpenSpliceAI: run this file.

Needs Keras 3.15.1 and OpenSpliceAI 0.0.7, and nothing of this repository's packages.
"""

import json
import tempfile
from pathlib import Path

import torch

from cases import make_bases, sample
from spliceai_files import name_tensors, write_keras2
from spliceai_peers import load_keras, make_openspliceai

LENGTH = 520
"""Base pairs of a window: 120 of them have 400 bp of context."""


def main() -> None:
    """Write what the packages predict for one strand: neither, acceptor and donor."""
    bases = make_bases(LENGTH)
    references = {}
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        for context in (80, 400):
            path = write_keras2(Path(folder) / "spliceai.h5", context)
            theirs = load_keras(path)
            references[f"Keras, {context}"] = _describe(theirs(bases.mT).mT)
            model = make_openspliceai(context)
            model.load_state_dict(name_tensors(context))
            references[f"OpenSpliceAI, {context}"] = _describe(model(bases))
    path = Path(__file__).parents[1] / "grelu_models" / "families" / "spliceai.json"
    lines = [f"{json.dumps(case)}: {json.dumps(value)}" for case, value in references.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def _describe(found: torch.Tensor) -> dict:
    values = [float(f"{x:.7g}") for x in sample(found[:, 1:], 60).tolist()]
    return {"shape": list(found[:, 1:].shape), "values": values}


if __name__ == "__main__":
    main()
