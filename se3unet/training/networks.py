"""Builds the networks that can be trained, behind one call: from clouds to heatmaps."""

from __future__ import annotations

from torch import Tensor, nn

from equivariance_zoo.training.seeds import seeded
from se3unet.geometry.hierarchy import Hierarchy
from se3unet.model import SE3Unet
from se3unet.training.settings import Settings

PRIOR = -4.4
"""Logit of the mean of a true heatmap of a face, 0.0125: the initial bias of the head. Zero would mean 0.5."""


class PublishedNetwork(nn.Module):
    """The published architecture behind the same call. It builds the graph of the clouds."""

    def __init__(self, seed: int) -> None:
        """Draws the weights from a seed.

        Raises:
            ImportError: If DGL is not installed.
        """
        super().__init__()
        try:
            from se3unet.published import PublishedUnet
        except ImportError as error:
            needs = "pip install 'equivariance[dgl]' on Python 3.11"
            raise ImportError(f"network 'published': DGL is needed: {needs}") from error
        self.unet = PublishedUnet(seed)

    def forward(self, positions: Tensor) -> Tensor:
        """Predicts heatmaps [B, N, 68] in (0, 1) of clouds [B, N, 3]; [N, 68] of one cloud [N, 3]."""
        from se3unet.published import published_graph

        if positions.dim() == 2:
            heatmaps: Tensor = self(positions.unsqueeze(0)).squeeze(0)
            return heatmaps
        return self.unet(published_graph(positions)).sigmoid()


def build(settings: Settings) -> nn.Module:
    """Builds the network of the settings, with weights from their seed. The global generators are unchanged.

    Raises:
        ImportError: If the network is the published one and DGL is not installed.
    """
    seed = settings.training.seed
    with seeded(seed):
        if settings.network == "published":
            published = PublishedNetwork(seed)
            last: nn.Module = published.unet.head.output
            model: nn.Module = published
        else:
            model = unet = SE3Unet(settings.unet)
            last = unet.head.mlp[-1]
    nn.init.constant_(last.get_parameter("bias"), PRIOR)
    return model


def prepare_graphs(model: nn.Module, positions: Tensor) -> Hierarchy | Tensor:
    """Returns the graphs of clouds [B, N, 3], independent of the weights; the clouds if the model takes no graphs."""
    return model.hierarchy(positions) if isinstance(model, SE3Unet) else positions
