"""The command ``evaluate``: what `equivariance_zoo.landmarks.evaluation` measures, for checkpoints of this package."""
