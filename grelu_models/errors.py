"""The one exception of this package that is meant for the user's eyes."""


class ModelError(ValueError):
    """A model, its metadata or its weights cannot be used: what, where and the mend."""
