"""How many tracks one job or one file of the results holds."""

TRACKS = 64
"""bigWigs that a job writes: minutes for a large genome, and thousands of tracks are many jobs."""
COLUMNS = 512
"""Tracks in one part of the Parquet table, which one process writes."""
