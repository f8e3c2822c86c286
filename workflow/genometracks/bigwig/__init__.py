"""The bigWig writer. Knows no plan."""
