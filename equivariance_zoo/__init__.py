"""Networks that the harness verifies, and the packages that they share.

Each network has a package of its own with the same files: `model`, `config`, `contracts`, `subjects`,
`training` and `__main__`. The shared packages are `training` (no model, no data), `faces` (sources of faces)
and `landmarks` (metrics and pictures of face landmarks). Imports run one way: training, faces, landmarks, networks.
A network imports `equivariance` in its `contracts.py` and `subjects.py` only.
"""
