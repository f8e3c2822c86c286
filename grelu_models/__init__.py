"""DNA sequence-to-function models, checkpoint-compatible with gReLU.

Layers -> blocks -> trunks and heads -> models; `checkpoint.load` turns files into a model and a
`ModelCard`. The package does not depend on genomes, the files of the pipeline or Snakemake.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("grelu-tracks")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0+unknown"
