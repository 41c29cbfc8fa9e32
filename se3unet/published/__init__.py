"""The SE(3)-Unet as it was published and trained, on DGL graphs, with everything that is wrong in it.

It shares its layers with ours wherever they compute the same; what is in this package is what differs. Each defect is
in a layer of its own.
"""

import os

# Without a choice DGL asks for one on stderr and writes a file to the home folder.
os.environ.setdefault("DGLBACKEND", "pytorch")

try:
    import dgl as _dgl  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "the published network runs on DGL graphs: pip install 'equivariance[dgl]' (DGL 1.1.3, Python below 3.12)"
    ) from error

from se3unet.published.graphs import published_graph
from se3unet.published.unet import PublishedUnet
from se3unet.published.weights import load_published_weights

__all__ = ["PublishedUnet", "load_published_weights", "published_graph"]
