"""Morphable models of heads: anny and ICT-FaceKit, and random expressions of both.

A model turns numbers into vertices; `faces.sources` draws people from it.
"""
