"""Measurements before a run: values for settings left at `auto`, and the cost of a run."""
