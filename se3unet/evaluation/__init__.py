"""How well networks find landmarks: the report's Table 1, errors in millimetres, charts and pictures."""

from se3unet.evaluation.measure import THRESHOLDS, Measurement, Network, measure
from se3unet.evaluation.results import Evaluated, Evaluation

__all__ = ["THRESHOLDS", "Evaluated", "Evaluation", "Measurement", "Network", "measure"]
