"""Measures landmark networks: the report's Table 1, errors in millimetres, charts and pictures.

`measure` runs a network on faces, `results` holds the figures, `tables`, `charts` and `page` write them,
`report` has the published ones.

Called by the command `evaluate` of `se3unet`. It loads no checkpoint and moves no face (`faces.under_condition`).
"""

from equivariance_zoo.landmarks.evaluation.measure import THRESHOLDS, Measurement, Network, measure
from equivariance_zoo.landmarks.evaluation.results import Evaluated, Evaluation

__all__ = ["THRESHOLDS", "Evaluated", "Evaluation", "Measurement", "Network", "measure"]
