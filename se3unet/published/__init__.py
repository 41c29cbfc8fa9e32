"""The SE(3)-Unet as published and trained, on DGL graphs, with its defects.

It shares layers with `se3unet.layers` if they compute the same, and defines the layers that differ. Each defect is in a
layer of its own.

Called by `subjects`, `training.networks` and benchmarks, as an example of a network that is not equivariant.
"""

import os

# Without a chosen backend, DGL prints a request to stderr and writes a file to the home folder.
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
