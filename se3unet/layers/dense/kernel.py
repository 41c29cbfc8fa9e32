"""TFN-type linear maps: equivariant kernels on edges (report, eq. 3 and 4), and relative positions as features."""

from __future__ import annotations

import functools
from typing import Literal

import torch
from e3nn import o3
from torch import Tensor, nn

from se3unet.layers.dense.radial import RadialProfile
from se3unet.layers.fibers import Fibers, channels_by_degree, check_fibers, fiber_irreps

Basis = dict[tuple[int, int], Tensor]
RelativeMode = Literal["concatenate", "add"]


class TFNLinear(nn.Module):
    """The map W(r_ij) f_j of tensor field networks, per edge.

    f_out^o = sum_i sum_J phi_J^{oi}(invariants) K_J^{oi}(r) f_in^i for every pair of degrees (report, eq. 3 and 4;
    radial profiles phi, angular basis K).
    """

    def __init__(self, irreps_in: o3.Irreps | str, irreps_out: o3.Irreps | str, edge_scalars: int = 0) -> None:
        """Builds one radial profile per pair of degrees.

        Args:
            irreps_in: Fibers at the source of the edge.
            irreps_out: Fibers on the edge.
            edge_scalars: Invariant features per edge besides its length.
        """
        super().__init__()
        self.irreps_in = o3.Irreps(irreps_in)
        self.irreps_out = o3.Irreps(irreps_out)
        self.channels_in = channels_by_degree(self.irreps_in)
        self.channels_out = channels_by_degree(self.irreps_out)
        self.radial = nn.ModuleDict()
        for o, count_out in self.channels_out.items():
            frequencies = {i: 2 * min(i, o) + 1 for i in self.channels_in}
            # Weights of variance 1 / terms: the output has the scale of the features for any number of terms.
            terms = sum(count * frequencies[i] for i, count in self.channels_in.items())
            for i, count_in in self.channels_in.items():
                profile = RadialProfile(edge_scalars + 1, count_in, count_out, frequencies[i], terms**-0.5)
                self.radial[f"{i}_{o}"] = profile

    def forward(self, features: Fibers, invariants: Tensor, basis: Basis) -> Fibers:
        """Applies the kernel of each edge to the features of its source.

        Args:
            features: Fibers of `irreps_in` at the sources, [..., C_i, 2i+1].
            invariants: [..., edge_scalars + 1], the edge scalars and then the length of the edge.
            basis: Output of `KernelBasis` for the edges, [..., 2o+1, 2i+1, F] per pair (i, o).

        Returns:
            Fibers of `irreps_out` on the edges, [..., C_o, 2o+1].
        """
        check_fibers("features", features, self.irreps_in)
        return {o: self._to_degree(o, features, invariants, basis) for o in self.channels_out}

    def _to_degree(self, o: int, features: Fibers, invariants: Tensor, basis: Basis) -> Tensor:
        # Features meet the basis first: radial weights times basis would fill C_out C_in (2o+1)(2i+1) per edge.
        messages = [
            self.radial[f"{i}_{o}"](invariants).flatten(-2) @ self._contract(features[i], basis[i, o])
            for i in self.channels_in
        ]
        return functools.reduce(torch.add, messages)

    @staticmethod
    def _contract(features: Tensor, kernels: Tensor) -> Tensor:
        """Contracts [..., C, 2i+1] with [..., 2o+1, 2i+1, F] to [..., C * F, 2o+1]."""
        stored = kernels.movedim(-3, -1)
        return (features @ stored.flatten(-2)).unflatten(-1, stored.shape[-2:]).flatten(-3, -2)


class RelativePositions(nn.Module):
    """Joins the features of an edge's source and the edge vector, which is a type-1 feature.

    "concatenate" appends the vector as one more type-1 channel; "add" adds it to the first type-1 channel.
    """

    def __init__(self, irreps_in: o3.Irreps | str, mode: RelativeMode) -> None:
        """Computes the output fibers.

        Raises:
            ValueError: If the mode is unknown, or there is no type-1 channel to add to.
        """
        super().__init__()
        channels = channels_by_degree(irreps_in)
        if mode not in ("concatenate", "add"):
            raise ValueError(f"mode: expected 'concatenate' or 'add', got {mode!r}")
        if mode == "add" and 1 not in channels:
            raise ValueError(f"irreps_in: expected type-1 channels to add the relative position to, got {irreps_in}")
        self.mode = mode
        self.irreps_in = o3.Irreps(irreps_in)
        if mode == "concatenate":
            channels[1] = channels.get(1, 0) + 1
        self.irreps_out = fiber_irreps(channels)

    def forward(self, features: Fibers, vectors: Tensor) -> Fibers:
        """Joins fibers [..., C_l, 2l+1] of the source and edge vectors [..., 3]."""
        check_fibers("features", features, self.irreps_in)
        relative = vectors.unsqueeze(-2)
        if 1 not in features:
            return {**features, 1: relative}
        if self.mode == "concatenate":
            return {**features, 1: torch.cat([features[1], relative], -2)}
        first, rest = features[1][..., :1, :], features[1][..., 1:, :]
        return {**features, 1: torch.cat([first + relative, rest], -2)}
