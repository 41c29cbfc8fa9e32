"""Representations that belong to pictures: coordinates of points in them, known surroundings, renderings, cameras.

Each is a representation of one tensor, as those of the package above. `grid` has the fields themselves.

Called by `contracts` and the engine through the base class. The package renders nothing by itself: a renderer is a
callable of the user.
"""
