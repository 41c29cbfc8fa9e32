"""Kernels in their dense form: a basis by Clebsch-Gordan products, and a radial network for each pair of degrees.

The published network has its weights in this form. Ours evaluates the same kernels in edge-aligned frames, see
`se3unet.layers.kernel`.
"""
