"""bigWig files: the writer of tracks, the reader of observed signals."""
