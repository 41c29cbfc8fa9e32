"""Errors of layers and of the output, and the decision between rounding and a break.

A survey runs all passes under one symmetry: accumulated, introduced and contributed errors, each with its rounding
floor. `verdict` turns measurements into verdicts. Localization starts from the layers that a survey blames. Nothing
here looks inside of a layer.
"""
