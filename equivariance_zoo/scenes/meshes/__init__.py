"""Meshes to render: coloured triangles from files, from the packed airliners, from a generator of cars, and heads."""
