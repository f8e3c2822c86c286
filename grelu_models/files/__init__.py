"""Weights files and their metadata: fetched, read, described. Nothing in a file is executed."""
