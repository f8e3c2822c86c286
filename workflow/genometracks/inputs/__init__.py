"""What a run reads: weights, FASTA, BED, and what is known of genome and model."""
