"""Public repositories at stated commits, diagnosed with nothing declared, and judged by a plain comparison.

``python -m nightly_tests --only cloned`` clones each beside this repository and writes docs/results/repositories.md.
"""
