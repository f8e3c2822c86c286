"""The one exception of this package that is meant for the user."""


class ModelError(ValueError):
    """A model, its metadata or its weights cannot be used: what is wrong, where, and what to do."""
