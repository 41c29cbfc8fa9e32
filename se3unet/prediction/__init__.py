"""Landmarks on scans in any pose and unit."""

from se3unet.prediction.predictor import CONFIDENT, Prediction, Predictor, predict
from se3unet.prediction.scan import Scan, read_scan
from se3unet.prediction.units import UNITS_MM

__all__ = ["CONFIDENT", "UNITS_MM", "Prediction", "Predictor", "Scan", "predict", "read_scan"]
