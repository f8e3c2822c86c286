"""Proof of finished runs: comparison with their seals, and repetition from a manifest."""
