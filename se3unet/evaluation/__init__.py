"""The command `evaluate`: runs `equivariance_zoo.landmarks.evaluation` on checkpoints of this package."""
