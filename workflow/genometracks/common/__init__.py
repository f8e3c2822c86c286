"""What every room may use. Knows no genome."""
