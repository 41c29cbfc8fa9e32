"""Predicts landmarks on scans in any pose and unit.

`predictor` is the entry, `scan` and `units` read the input, `finding` searches the face, `confidence` scores it,
`output`, `page`, `formats` and `viewer` show the result.

Called by the command `predict` and by scripts. It trains nothing (`training`).
"""

from se3unet.prediction.predictor import CONFIDENT, Prediction, Predictor, predict
from se3unet.prediction.scan import Scan, read_scan
from se3unet.prediction.units import UNITS_MM

__all__ = ["CONFIDENT", "UNITS_MM", "Prediction", "Predictor", "Scan", "predict", "read_scan"]
