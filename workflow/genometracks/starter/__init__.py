"""A first config, from what a FASTA and weights say about themselves."""
