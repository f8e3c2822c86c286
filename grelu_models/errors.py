"""The exception of this package that is reported to the user."""


class ModelError(ValueError):
    """A model, its metadata or its weights cannot be used: what is wrong, where, and what to do."""
