"""Layers of steerable CNNs: convolutions, gates, batch normalization and pooling of fields of irreps on voxels.

`basis` solves for the kernels, `expansion` turns weights into an ordinary kernel, `conv` runs it. `lowpass` filters
before a stride, `norms` gives the invariants that `nonlinearity`, `batchnorm` and `pooling` use.

Called by `model` and `contracts`. It reads no settings of a network.
"""
