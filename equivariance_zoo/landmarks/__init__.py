"""Landmarks of faces, independent of the network: metrics, losses, pictures and evaluation.

`metrics` scores heatmaps and landmarks, `losses` compares heatmaps, `ibug` names the 68 landmarks, `pictures` draws
faces, `evaluation` measures networks side by side and writes a page.

Called by `se3unet` and by other networks that find landmarks. It imports `faces` and `training`, and no network.
"""
