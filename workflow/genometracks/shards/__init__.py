"""Shard files: written, verified, merged."""
