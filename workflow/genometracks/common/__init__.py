"""Functions for every room; nothing here depends on genomes."""
