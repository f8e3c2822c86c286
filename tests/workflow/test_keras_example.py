"""A dry run plans the example of a Keras model, without torch or Keras."""

import shutil

import numpy as np
import yaml

import pipeline
from keras_files import layer, model, write_keras
from toys import random_bases, write_fasta

EXAMPLE = pipeline.ROOT / "config" / "examples" / "keras.yaml"


def test_the_example_is_planned(warm_tools, tmp_path):
    config = yaml.safe_load(EXAMPLE.read_text())
    shutil.copy(EXAMPLE, tmp_path / "config.yaml")
    layers = model(
        layer("InputLayer", "bases", batch_input_shape=[None, None, 4]),
        layer("Conv1D", "sites", "bases", filters=2, kernel_size=[401]),
        layer("GlobalAveragePooling1D", "mean", "bases"),
        outputs=["sites", "mean"],
    )
    weights = {"layers/conv1d/vars/0": np.zeros((401, 4, 2), "f4")}
    weights["layers/conv1d/vars/1"] = np.zeros(2, "f4")
    write_keras(tmp_path / config["model"]["weights"], layers, weights)
    write_fasta(tmp_path / config["genome"]["fasta"], {"chr1": random_bases(50_000, seed=0)})
    output = pipeline.run(tmp_path, "-n")
    assert "bigwig/track_0.bw" in output and "bigwig/track_1.bw" in output
