"""A dry run plans the examples of BPNet and ChromBPNet; the Lambda of a Keras file is not read."""

import shutil

import pytest
import torch
import yaml

import pipeline
from bpnet_files import make_config, write_keras, write_torch
from grelu_models.models.bpnet import BPNet
from toys import random_bases, write_fasta

EXAMPLES = pipeline.ROOT / "config" / "examples"


def write_weights(path):
    """Weights as the example names them: a state dict, or a file of chrombpnet with both models."""
    small = {"n_filters": 2, "n_layers": 8, "n_outputs": 2}
    if path.suffix == ".pt":
        return write_torch(path, BPNet(**small).state_dict())
    state = {}
    layers = {"iconv": "1st_conv", "fconv": "prof_out_precrop", "linear": "logcount_predictions"}
    for part, prefix in {"model": "", "model_wo_bias": "wo_bias_bpnet_"}.items():
        for name, tensor in BPNet(**{**small, "n_outputs": 1}).state_dict().items():
            module, _, kind = name.rpartition(".")
            layer = layers.get(module) or f"{int(module.split('.')[1]) + 1}conv"
            stem = "bpnet_" if not prefix and "conv" in layer else prefix
            role = "kernel" if kind == "weight" else "bias"
            state[f"{part}/{stem}{layer}/{role}"] = tensor.permute(*reversed(range(tensor.ndim)))
    return write_keras(path, state, make_config(state, window=2114, crops={}))


@pytest.mark.parametrize("name", ["bpnet", "chrombpnet"])
def test_an_example_is_planned(warm_tools, tmp_path, name):
    config = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())
    shutil.copy(EXAMPLES / f"{name}.yaml", tmp_path / "config.yaml")
    torch.manual_seed(0)
    write_weights(tmp_path / config["model"]["weights"])
    write_fasta(tmp_path / config["genome"]["fasta"], {"chr1": random_bases(5000, seed=0)})
    (tmp_path / config["genome"].get("regions", "none.bed")).write_text("chr1\t1000\t2000\n")
    output = pipeline.run(tmp_path, "-n")
    tracks = {"bpnet": ["signal+", "signal-"], "chrombpnet": ["signal"]}[name]
    for track in tracks:
        assert f"bigwig/{track}.bw" in output
