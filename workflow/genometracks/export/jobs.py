"""Numbers of tracks per job and per file of the results."""

TRACKS = 64
"""bigWigs that a job writes: it takes minutes for a large genome, and many tracks are many jobs."""
COLUMNS = 512
"""Tracks in one part of the Parquet table, which one process writes."""
