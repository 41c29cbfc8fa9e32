"""Meshes, rigid motions, sampling of surfaces and rigid alignment.

Shapes and units are those of the arguments. Called by the other modules of `faces`. It reads no file and depends on no
source of faces.
"""
