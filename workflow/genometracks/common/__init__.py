"""What every room may use; nothing here depends on genomes."""
