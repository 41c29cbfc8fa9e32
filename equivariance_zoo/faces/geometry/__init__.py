"""Meshes, rigid motions, sampling of surfaces and rigid alignment.

Shapes and units are those of the arrays that are passed in. Nothing here reads a file or knows a source of faces.
"""
