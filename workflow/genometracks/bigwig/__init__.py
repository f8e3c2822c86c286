"""bigWig and bigBed files: the writers, and the reader of observed signals."""
