"""Morphable models of heads: anny and ICT-FaceKit, and random expressions of both.

A model maps weights to vertices. `faces.sources` draws people from it. It neither crops nor samples a head.
"""
