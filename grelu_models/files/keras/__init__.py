"""The config of a Keras model as a graph of layers with known shapes. Needs no torch.

`graph` walks through the config; `weights` and `shapes` hold one rule per class of layer: which
options it has, within which limits, and the shape of its output; `activations` and `options` read
the parts of a layer's config. Layers that would run code of the file are refused by name.
"""
