"""Which bins are predicted, by which windows, in which shards."""
