"""Real libraries from the package index, in their newest versions and in versions with known breaks.

``python -m nightly_tests`` installs each into an environment of its own, diagnoses its modules there, and writes
docs/results/libraries.md.
"""
