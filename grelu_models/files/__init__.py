"""Weights files and their metadata: read, described, fetched. Nothing in a file is executed."""
