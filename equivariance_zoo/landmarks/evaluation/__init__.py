"""How well networks find landmarks: the report's Table 1, errors in millimetres, charts and pictures."""

from equivariance_zoo.landmarks.evaluation.measure import THRESHOLDS, Measurement, Network, measure
from equivariance_zoo.landmarks.evaluation.results import Evaluated, Evaluation

__all__ = ["THRESHOLDS", "Evaluated", "Evaluation", "Measurement", "Network", "measure"]
