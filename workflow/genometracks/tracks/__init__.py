"""Which tracks a run writes, and how each is computed from the model's channels."""
