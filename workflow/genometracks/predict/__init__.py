"""The prediction of one shard; the only room, besides preflight, that imports torch."""
