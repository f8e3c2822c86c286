"""The config: schema, defaults, settings of each stage, sheets of runs."""
