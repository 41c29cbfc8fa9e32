"""SE3-Unet: landmark heatmaps on point clouds, equivariant by construction."""

from se3unet.config import SE3UnetConfig
from se3unet.geometry.border import from_dgl, to_dgl
from se3unet.geometry.graph import Graph, KNNGraph
from se3unet.model import SE3Unet
from se3unet.prediction.predictor import Prediction, predict

__all__ = ["Graph", "KNNGraph", "Prediction", "SE3Unet", "SE3UnetConfig", "from_dgl", "predict", "to_dgl"]
