"""The SE(3)-Unet: heatmaps of landmarks on a point cloud, equivariant by construction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from e3nn import o3
from torch import Tensor, nn

from se3unet.config import SE3UnetConfig
from se3unet.geometry.edges import EdgeGeometry
from se3unet.geometry.graph import KNNGraph
from se3unet.geometry.hierarchy import CoarseCloud, Hierarchy
from se3unet.geometry.sampling import kept_points
from se3unet.layers.block import SE3Transformer, SelfInteractionMode
from se3unet.layers.fibers import fiber_irreps
from se3unet.layers.head import Embed, InvariantHead
from se3unet.layers.interaction import SumSkip
from se3unet.layers.pool import Pool
from se3unet.layers.upsample import Upsample


class SE3Unet(nn.Module):
    """U-Net of SE(3)-Transformers from points to landmark heatmaps (report, section 7).

    The contracting path applies a transformer and pools, `levels` times. The expansive path upsamples, applies a
    transformer and adds the features of the contracting path at the same level. Heatmaps are invariant under rotations
    and translations of a sample, follow a permutation of its points, and do not depend on other samples. They change
    under reflections: a face is nearly its own mirror image, and left and right have different landmarks.
    """

    def __init__(self, config: SE3UnetConfig | None = None) -> None:
        """Builds the network with random weights. Without a configuration, the defaults apply."""
        super().__init__()
        if not (config is None or isinstance(config, SE3UnetConfig)):
            raise ValueError(f"config: expected an SE3UnetConfig, see SE3UnetConfig.from_dict, got {config!r}")
        self.config = config = config or SE3UnetConfig()
        degrees, levels = range(config.max_degree + 1), range(config.levels)
        hidden = [fiber_irreps(dict.fromkeys(degrees, count)) for count in config.channels_by_level]
        self.graph = KNNGraph(config.neighbours)
        # One per level, though it has no weights: a layer of one level has one contract.
        self.geometry = nn.ModuleList(EdgeGeometry(config.max_degree) for _ in range(config.levels + 1))
        self.embed = Embed()
        self.down = nn.ModuleList(
            self._transformer(hidden[level - 1] if level else self.embed.irreps_out, hidden[level]) for level in levels
        )
        self.pool = nn.ModuleList(Pool(config.pool_ratio, config.neighbours, config.pooling) for _ in levels)
        self.bottleneck = self._transformer(hidden[-2], hidden[-1])
        self.upsample = nn.ModuleList(Upsample(config.power) for _ in levels)
        # Indexed by level, the finest first, as `down` is: the last to run is up.0.
        self.up = nn.ModuleList(
            self._transformer(
                hidden[level + 1], hidden[level], config.self_interaction if level else config.last_self_interaction
            )
            for level in levels
        )
        self.residual = nn.ModuleList(SumSkip(hidden[level], hidden[level]) for level in levels)
        self.head = InvariantHead(hidden[0], config.landmarks, config.head_width)

    def _transformer(
        self, irreps_in: o3.Irreps, irreps_out: o3.Irreps, last: SelfInteractionMode | None = None
    ) -> SE3Transformer:
        kind = self.config.self_interaction
        return SE3Transformer(irreps_in, irreps_out, self.config.block_settings, kind, last or kind)

    def forward(self, positions: Tensor | Hierarchy) -> Tensor:
        """Predicts heatmaps.

        Args:
            positions: [N, 3], or [B, N, 3] for clouds of N points each, in any frame, in the unit of length that the
                weights were trained for; of the network's dtype and device. Or their `hierarchy`.

        Returns:
            [N, landmarks] or [B, N, landmarks] in (0, 1).

        Raises:
            ValueError: If the positions cannot be used; the message names the given and the expected value.
        """
        return self.logits(positions).sigmoid()

    def logits(self, positions: Tensor | Hierarchy) -> Tensor:
        """Predicts the logits, of which `forward` returns the sigmoid. The arguments are the same."""
        hierarchy = positions if isinstance(positions, Hierarchy) else self.hierarchy(positions)
        logits = self._features_to_logits(hierarchy)
        is_single = isinstance(positions, Tensor) and positions.dim() == 2
        return logits.squeeze(0) if is_single else logits

    def hierarchy(self, positions: Tensor) -> Hierarchy:
        """Computes the graphs of clouds [N, 3] or [B, N, 3] at every level. They do not depend on the weights.

        Raises:
            ValueError: If the positions cannot be used.
        """
        self._check(positions)
        finest = graph = self.graph(positions if positions.dim() == 3 else positions.unsqueeze(0))
        coarser: list[CoarseCloud] = []
        pools: Iterable[Any] = self.pool
        for pool in pools:
            coarser.append(pool.coarsen(graph))
            graph = coarser[-1].graph
        return Hierarchy(finest, tuple(coarser))

    def _features_to_logits(self, hierarchy: Hierarchy) -> Tensor:
        edges = self.geometry[0](hierarchy.finest)
        fibers = self.embed(hierarchy.finest.positions)
        contracted = []
        levels = zip(self.down, self.pool, hierarchy.coarser, self.geometry[1:], strict=True)
        for down, pool, coarse, geometry in levels:
            fibers = down(fibers, edges)
            contracted.append((fibers, edges))
            pooled = pool(fibers, edges.graph, coarse)
            fibers, edges = pooled.fibers, geometry(pooled.graph)
        fibers = self.bottleneck(fibers, edges)
        for level in reversed(range(self.config.levels)):
            skipped, finer = contracted[level]
            fibers = self.upsample[level](fibers, edges.graph, finer.graph)
            fibers = self.residual[level](self.up[level](fibers, finer), skipped)
            edges = finer
        return self.head(fibers)

    def _check(self, positions: Tensor) -> None:
        if not isinstance(positions, Tensor):
            raise ValueError(f"positions: expected a tensor, got {type(positions).__name__}")
        shape = list(positions.shape)
        if positions.dim() not in (2, 3) or shape[-1] != 3:
            raise ValueError(f"positions: expected shape [N, 3] or [B, N, 3], got {shape}")
        if 0 in shape:
            raise ValueError(f"positions: expected one sample and one point or more, got shape {shape}")
        weight = next(self.parameters())
        if weight.dtype not in (torch.float32, torch.float64):
            raise ValueError(f"positions: expected a network of torch.float32 or torch.float64, got {weight.dtype}")
        if positions.dtype != weight.dtype:
            raise ValueError(f"positions: expected {weight.dtype}, the dtype of the network, got {positions.dtype}")
        if positions.device != weight.device:
            raise ValueError(f"positions: expected device {weight.device}, that of the network, got {positions.device}")
        if not positions.isfinite().all():
            count = int((~positions.isfinite()).sum())
            raise ValueError(f"positions: expected finite coordinates, got {count} that are NaN or infinite")
        self._check_points(shape[-2])

    def _check_points(self, given: int) -> None:
        points, k = given, self.config.neighbours
        for level in range(self.config.levels + 1):
            if points <= k:
                left = f", of which {points} are left at level {level}" if level else ""
                raise ValueError(
                    f"positions: expected more than neighbours={k} points at all levels, got {given}{left}"
                )
            points = kept_points(points, self.config.pool_ratio)
