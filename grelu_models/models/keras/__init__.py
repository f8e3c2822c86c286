"""Keras models as torch modules, built from the graph of their config.

A value (length, channels) of Keras is (N, channels, length) everywhere in the module, so that no
layer has to transpose it for the next one; features are (N, features).
"""

from grelu_models.models.keras.model import KerasModel

__all__ = ["KerasModel"]
