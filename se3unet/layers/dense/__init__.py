"""Kernels in their dense form: a basis by Clebsch-Gordan products, and a radial network for each pair of degrees.

`published` has its weights in the dense form. `SE3Unet` evaluates the same kernels in edge-aligned frames, see
`se3unet.layers.kernel`.
"""
