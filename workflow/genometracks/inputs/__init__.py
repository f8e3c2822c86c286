"""Inputs of a run: weights, FASTA, BED, and the records of the genome and the model."""
