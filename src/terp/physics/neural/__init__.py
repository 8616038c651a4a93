"""What a neural network computes: layers, products, bytes and parameters, by family.

Nothing here knows a GPU: a family makes a `Work` of a model's description, and `training` and `serving` time it.
"""
