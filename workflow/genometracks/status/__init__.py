"""Progress of a run, read from its folder alone."""
