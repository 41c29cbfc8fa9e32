"""SE3-Unet: landmark heatmaps on point clouds, equivariant by construction.

`model` and `config` define the network, `geometry` and `layers` build it, `training`, `evaluation` and `prediction` use
it, `published` is the original with its defects, `contracts` and `subjects` describe both to the harness.
"""

from se3unet.config import SE3UnetConfig
from se3unet.geometry.border import from_dgl, to_dgl
from se3unet.geometry.graph import Graph, KNNGraph
from se3unet.model import SE3Unet
from se3unet.prediction.predictor import Prediction, predict

__all__ = ["Graph", "KNNGraph", "Prediction", "SE3Unet", "SE3UnetConfig", "from_dgl", "predict", "to_dgl"]
