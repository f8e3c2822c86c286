"""Results: bigWig, Parquet, manifest, summary."""
