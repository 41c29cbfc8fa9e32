"""Networks that the harness verifies, and the rooms that they share.

Each network has a package of its own with the same files: ``model``, ``config``, ``contracts``, ``subjects``,
``training`` and ``__main__``. The shared rooms are ``training`` (no model, no data), ``faces`` (where faces come from)
and ``landmarks`` (metrics and pictures of face landmarks). Imports run one way: training, faces, landmarks, networks.
A network imports :mod:`equivariance` in its ``contracts.py`` and ``subjects.py`` only.
"""
