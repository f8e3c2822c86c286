"""`genometracks run`: the workflow started through Snakemake, and its progress shown."""
