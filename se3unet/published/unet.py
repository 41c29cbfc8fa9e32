"""The published SE(3)-Unet (SE3UnetV2: one level, five channels, degrees 0 to 2), defects included."""

from __future__ import annotations

import dgl
import torch
from torch import Tensor, nn

from se3unet.layers.fibers import Fibers
from se3unet.layers.interaction import SumSkip
from se3unet.published.geometry import Geometry
from se3unet.published.graphs import Edges, RelativeVectors, structure_of
from se3unet.published.pool import Pool
from se3unet.published.transformer import COORDINATES, SE3Transformer
from se3unet.published.upsample import Upsample

LANDMARKS = 68
_HEAD_WIDTH = 128
_POOL_RATIO = 0.35


class CoordinateFeatures(nn.Module):
    """First features of the nodes.

    Defect: the absolute coordinates are fed as a type-1 feature, a vector, which a translation must not change.
    """

    irreps_out = COORDINATES

    def forward(self, positions: Tensor) -> Fibers:
        """Maps positions [n, 3] to fibers {1: [n, 1, 3]}."""
        return {1: positions.unsqueeze(1)}


class ComponentHead(nn.Module):
    """Logits of the landmarks.

    Defect: linear, ReLU, linear with biases act on the x, y, z components of a vector.
    """

    irreps_in = COORDINATES

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(3, _HEAD_WIDTH)
        self.output = nn.Linear(_HEAD_WIDTH, LANDMARKS)

    def forward(self, features: Fibers) -> Tensor:
        """Maps fibers {1: [n, 1, 3]} to logits [n, 68]."""
        return self.output(torch.relu(self.hidden(features[1].squeeze(1))))


class RewriteGraph(nn.Module):
    """Changes the caller's graph in the forward pass.

    Defect: the edge vectors are negated (source minus target), so that a second pass over the same graph gives other
    logits. A second pass of the original differs by 0.14; the field responsible is not known. Here, a second pass
    differs by 0.13, and the first pass is unchanged.
    """

    def forward(self, graph: dgl.DGLGraph) -> None:
        """Writes to edata "d" of the graph."""
        sources, targets = graph.edges()
        positions = graph.ndata["x"]
        graph.edata["d"] = positions[sources] - positions[targets]


class PublishedUnet(nn.Module):
    """The published network, 224,075 parameters, on batched DGL graphs made by `published_graph`.

    Its logits violate the symmetry under rotations, translations, permutations of the nodes and changes of other
    samples in the batch. A forward pass changes the graph, the global random number generator and, while it runs, the
    default dtype. It is kept unchanged so that tools can be measured on it. Weights are random;
    `load_published_weights` loads trained ones.
    """

    def __init__(self, seed: int = 0) -> None:
        """Initializes the weights from `seed`. The global random number generator is unchanged."""
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.coordinates = CoordinateFeatures()
            # One per level: a layer of one level has one contract.
            self.relative = nn.ModuleList([RelativeVectors(), RelativeVectors()])
            self.geometry = nn.ModuleList([Geometry(), Geometry()])
            self.down_branch = nn.ModuleList([SE3Transformer()])
            self.pool = Pool(_POOL_RATIO)
            self.bottleneck = SE3Transformer()
            self.upsample = Upsample()
            self.residual = SumSkip(COORDINATES, COORDINATES)
            # Number 0 of the expansive path is the upsampling, which has no weights.
            self.up_branch = nn.ModuleDict({"1": SE3Transformer(attentive=True)})
            self.head = ComponentHead()
            self.rewrite = RewriteGraph()

    def forward(self, graph: dgl.DGLGraph) -> Tensor:
        """Predicts the logits of the heatmaps, and changes the graph.

        Args:
            graph: B samples of N nodes each with ndata "x" [B * N, 3] and edata "d" [E, 3] (target minus source) and
                "w" [E, 1] (length), of the dtype of the network.

        Returns:
            [B, N, 68].

        Raises:
            ValueError: If the graph is no DGL graph or empty; a field is missing or of another shape, dtype or device;
                positions are not finite; samples differ in size.
        """
        _check(graph, next(self.parameters()))
        structure = structure_of(graph)
        positions, lengths = graph.ndata["x"], graph.edata["w"]
        clouds = positions.reshape(graph.batch_size, -1, 3)
        edges = self._edges(0, structure, positions, graph.edata["d"], lengths)
        features = self.down_branch[0](self.coordinates(positions), edges)
        pooled = self.pool(features, clouds, structure)
        coarse_edges = self._edges(1, pooled.structure, positions[pooled.picks], pooled.vectors, None)
        coarse = self.bottleneck(pooled.features, coarse_edges)
        upsampled = self.upsample(coarse, pooled.picks, lengths, structure)
        features = self.up_branch["1"](self.residual(upsampled, pooled.aggregated), edges)
        logits = self.head(features)
        self.rewrite(graph)
        return logits.view(*clouds.shape[:2], LANDMARKS)

    def _edges(
        self, level: int, structure: dgl.DGLGraph, positions: Tensor, vectors: Tensor, scalars: Tensor | None
    ) -> Edges:
        """Returns the geometry of a graph. Without edge scalars, the lengths of the vectors are used."""
        lengths, basis = self.geometry[level](vectors)
        invariants = torch.cat([lengths if scalars is None else scalars, lengths], -1)
        return Edges(structure, self.relative[level](positions, *structure.edges()), invariants, basis)


def _check(graph: dgl.DGLGraph, weight: Tensor) -> None:
    if not isinstance(graph, dgl.DGLGraph):
        raise ValueError(f"graph: expected a DGL graph, see published_graph, got {type(graph).__name__}")
    missing = [] if "x" in graph.ndata else ["ndata['x']"]
    missing += [f"edata['{name}']" for name in ("d", "w") if name not in graph.edata]
    if missing:
        raise ValueError(f"graph: expected the fields of published_graph, {', '.join(missing)} missing")
    sizes = graph.batch_num_nodes().tolist()
    if len(set(sizes)) != 1:
        raise ValueError(f"graph: expected samples of one size, got {sizes}")
    if sizes[0] == 0:
        raise ValueError("graph: expected one node or more, got none")
    nodes, edges = graph.num_nodes(), graph.num_edges()
    for name, field, shape in (
        ("ndata['x']", graph.ndata["x"], [nodes, 3]),
        ("edata['d']", graph.edata["d"], [edges, 3]),
        ("edata['w']", graph.edata["w"], [edges, 1]),
    ):
        if list(field.shape) != shape:
            raise ValueError(f"graph: expected {name} of shape {shape}, got {list(field.shape)}")
        if (field.dtype, field.device) != (weight.dtype, weight.device):
            expected = f"{weight.dtype} on {weight.device}, as the network is"
            raise ValueError(f"graph: expected {name} of {expected}, got {field.dtype} on {field.device}")
        if not field.isfinite().all():
            raise ValueError(f"graph: expected finite numbers in {name}, got NaN or infinity")
