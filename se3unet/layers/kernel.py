"""Equivariant linear maps on edges, evaluated in edge-aligned frames."""

from __future__ import annotations

import functools
from typing import Any, Literal

import torch
from e3nn import o3
from torch import Tensor, nn

from se3unet.geometry.edges import EdgeChunk
from se3unet.geometry.frames import frame_of, turn
from se3unet.geometry.radial import SPLINES
from se3unet.layers.fibers import Fibers, channels_by_degree

RelativeMode = Literal["concatenate", "add"]

# Edges whose products with the splines each CPU thread forms at once, to fit its cache.
PIECE = 4_096

# Mean of sum_b B_b^2 over a knot interval, for cubic B-splines.
SPLINE_POWER = 151 / 315


class EdgeLinear(nn.Module):
    """The kernels W(r_ij) of tensor field networks (report, eq. 3 and 4), from node features to edge features.

    In the frame of an edge, the components of order m and -m of all degrees l >= |m| form one complex number per
    channel. A kernel that commutes with turns about the edge multiplies them by complex weights a + ib, components of
    order 0 by real weights (eSCN, arXiv 2302.03655, eq. 8 and 9). With D(F) the frame and g the splines of the length,

        W(r) f = D(F)^T [sum_b g_b(|r|) M_b] D(F) f,    M_b = diag over m of ((A, -B), (B, A)).

    The set of equivariant kernels is complete: 2 min(i, o) + 1 profiles for each pair of channels of degrees i and o.
    The frames fade with s^l, and hence the kernel from degree i to o with s^(i+o) (see `EdgeGeometry`).

    The edge vector is one more feature of the source: (0, s |r|, 0) in its frame. "concatenate" appends it as one more
    type-1 channel, "add" adds it to the first type-1 channel.
    """

    def __init__(
        self,
        irreps_in: o3.Irreps | str,
        irreps_outs: tuple[o3.Irreps | str, ...],
        relative_positions: RelativeMode,
    ) -> None:
        """Draws random weights that keep the scale of the features.

        Args:
            irreps_in: Fibers at the source of the edge, without the edge vector.
            irreps_outs: One or more fibers on the edge: one contraction computes values and keys.
            relative_positions: The operation that joins the edge vector and the features of the source.

        Raises:
            ValueError: If the mode is unknown, or there is no type-1 channel to add to.
        """
        super().__init__()
        self.irreps_in, self.irreps_outs = o3.Irreps(irreps_in), tuple(map(o3.Irreps, irreps_outs))
        self.channels_in = channels_by_degree(irreps_in)
        self.channels_outs = tuple(map(channels_by_degree, self.irreps_outs))
        if relative_positions not in ("concatenate", "add"):
            raise ValueError(f"relative_positions: expected 'concatenate' or 'add', got {relative_positions!r}")
        if relative_positions == "add" and 1 not in self.channels_in:
            raise ValueError(f"irreps_in: expected type-1 channels to add the edge vector to, got {irreps_in}")
        self.concatenates = relative_positions == "concatenate"
        self.max_order = min(max(self.channels_in), max(map(max, self.channels_outs)))
        self.weight = nn.ParameterDict({str(m): self._initial(m) for m in range(self.max_order + 1)})

    def _initial(self, order: int) -> Tensor:
        """Draws weights [o_0, SPLINES, n_0] for order 0 and [2, o_m, SPLINES, n_m], A and B, for other orders."""
        count_in = _rows_of_order(self.channels_in, order) + (self.concatenates and order == 0)
        count_out = sum(_rows_of_order(channels, order) for channels in self.channels_outs)
        parts = 1 if order == 0 else 2
        # Weights of variance 1 / terms: the output has the scale of the features for any number of terms.
        shape = (*(2,)[: parts - 1], count_out, SPLINES, count_in)
        return torch.randn(shape) / (parts * count_in * SPLINE_POWER) ** 0.5

    def matrices(self) -> tuple[Tensor, ...]:
        """Returns the blocks of M for the orders 0, 1, ...: [(2) o_m, SPLINES * (2) n_m], splines slowest."""
        blocks = [self.weight["0"].flatten(1)]
        for order in range(1, self.max_order + 1):
            a, b = self.weight[str(order)]
            block = torch.cat([torch.cat([a, -b], -1), torch.cat([b, a], -1)])
            blocks.append(block.flatten(1))
        return tuple(blocks)

    def on_edges(self, features: Fibers, edges: EdgeChunk, matrices: tuple[Tensor, ...]) -> tuple[Fibers, ...]:
        """Applies the kernel of each edge to the features of its source.

        It is not `forward`, because it is one step of a layer that processes the edges in chunks.

        Args:
            features: Component-major fibers [2l+1, C_l, n] of `irreps_in` at all nodes.
            edges: E edges.
            matrices: Output of the method `matrices`.

        Returns:
            Component-major fibers [2l+1, C'_l, E] of each of `irreps_outs`.
        """
        aligned = self._align(features, edges)
        parts = [self._order(aligned, order) for order in range(self.max_order + 1)]
        if self.concatenates:
            parts[0].append(edges.along.unsqueeze(0))
        mixed = [
            _Contract.apply(matrix, edges.radial, torch.cat(part)) for matrix, part in zip(matrices, parts, strict=True)
        ]
        return self._turn_back(mixed, edges)

    def _align(self, features: Fibers, edges: EdgeChunk) -> dict[int, tuple[Tensor, ...]]:
        """Returns components -M .. M of each degree in the frames, M = min(l, max_order): tuples of [C_l, E]."""
        aligned = {}
        for degree, feature in features.items():
            size, channels, _ = feature.shape
            source = feature.flatten(0, 1).index_select(1, edges.sources).unflatten(0, (size, channels))
            if degree == 0:
                aligned[0] = source.unbind()
                continue
            skipped = degree - min(degree, self.max_order)
            frame = frame_of(edges.frames, degree)[skipped : size - skipped]
            aligned[degree] = turn(frame, source.unbind()).unbind()
        if not self.concatenates:
            first = torch.eye(1, self.channels_in[1], dtype=edges.along.dtype, device=edges.along.device)
            rows = list(aligned[1])
            middle = len(rows) // 2
            rows[middle] = torch.addcmul(rows[middle], first.T, edges.along)
            aligned[1] = tuple(rows)
        return aligned

    @staticmethod
    def _order(aligned: dict[int, tuple[Tensor, ...]], order: int) -> list[Tensor]:
        """Returns the rows of order -m of all degrees, then the rows of order m."""
        return [rows[len(rows) // 2 + m] for m in _signs(order) for rows in aligned.values() if len(rows) > 2 * order]

    def _turn_back(self, mixed: list[Tensor], edges: EdgeChunk) -> tuple[Fibers, ...]:
        slots = [(number, degree) for number, channels in enumerate(self.channels_outs) for degree in channels]
        rows: dict[tuple[int, int], dict[int, Tensor]] = {slot: {} for slot in slots}
        for order, block in enumerate(mixed):
            signed = [(m, slot) for m in _signs(order) for slot in slots if slot[1] >= order]
            pieces = block.split([self.channels_outs[number][degree] for _, (number, degree) in signed])
            for (m, slot), piece in zip(signed, pieces, strict=True):
                rows[slot][m] = piece
        turned: tuple[Fibers, ...] = tuple({} for _ in self.channels_outs)
        for (number, degree), by_order in rows.items():
            ordered = tuple(by_order[m] for m in sorted(by_order))
            turned[number][degree] = _turn_from(edges.frames, degree, ordered)
        return turned


def _rows_of_order(channels: dict[int, int], order: int) -> int:
    return sum(count for degree, count in channels.items() if degree >= order)


def _signs(order: int) -> tuple[int, ...]:
    return (0,) if order == 0 else (-order, order)


def _turn_from(frames: Tensor, degree: int, rows: tuple[Tensor, ...]) -> Tensor:
    """Turns components -M .. M out of the frames; all others are zero: [2l+1, C, E]."""
    if degree == 0:
        return rows[0].unsqueeze(0)
    skipped = degree - len(rows) // 2
    return turn(frame_of(frames, degree)[skipped : 2 * degree + 1 - skipped].transpose(0, 1), rows)


class _Contract(torch.autograd.Function):
    """Computes sum_b M_b (g_b f) for M [O, S * I], g [S, E] and f [I, E]: matrix products over chunks of edges.

    The products g f are S times as large as the features. They are recomputed in the backward pass and never kept.
    """

    @staticmethod
    def forward(ctx: Any, matrix: Tensor, radial: Tensor, features: Tensor) -> Tensor:
        device = features.device.type
        lower = torch.is_autocast_enabled(device)
        ctx.dtype = torch.get_autocast_dtype(device) if lower else features.dtype
        ctx.save_for_backward(matrix, radial, features)
        matrix = matrix.to(ctx.dtype)
        pieces = _pieces(radial, features)
        if len(pieces) == 1:
            return (matrix @ _products(radial, features, ctx.dtype)).to(features.dtype)
        mixed = matrix.new_empty(len(matrix), features.shape[1])
        for (basis, feature), out in zip(pieces, mixed.split(pieces[0][0].shape[1], 1), strict=True):
            torch.mm(matrix, _products(basis, feature, ctx.dtype), out=out)
        return mixed.to(features.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        matrix, *given = ctx.saved_tensors
        lower = matrix.T.to(ctx.dtype)
        parts = [
            _gradients(lower, piece, ctx.dtype, ctx.needs_input_grad[1]) for piece in _pieces(*given, gradients[0])
        ]
        to_matrix, to_radial, to_features = zip(*parts, strict=True)
        return (
            functools.reduce(torch.add, to_matrix).to(matrix.dtype),
            torch.cat(to_radial, 1) if ctx.needs_input_grad[1] else None,
            torch.cat(to_features, 1) if len(parts) > 1 else to_features[0],
        )


def _gradients(
    matrix: Tensor, piece: tuple[Tensor, ...], dtype: torch.dtype, with_radial: bool
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Computes gradients of matrix, splines and features, from M.T [S * I, O], g, f and a gradient [O, E]."""
    radial, features, gradient = piece[0], piece[1], piece[2].to(dtype)
    # The product with the longer side first is the faster of the two orders.
    to_matrix = (_products(radial, features, dtype) @ gradient.T).T
    to_products = (matrix @ gradient).to(features.dtype).unflatten(0, (len(radial), -1))
    to_features = radial[0] * to_products[0]
    for basis, product in zip(radial[1:], to_products[1:], strict=True):
        to_features.addcmul_(basis, product)
    to_radial = (to_products * features).sum(1) if with_radial else None
    return to_matrix, to_radial, to_features


def _products(radial: Tensor, features: Tensor, dtype: torch.dtype) -> Tensor:
    return (radial.unsqueeze(1) * features).flatten(0, 1).to(dtype)


def _pieces(*on_edges: Tensor) -> list[tuple[Tensor, ...]]:
    """Splits tensors [.., E] into pieces whose products fit the cache. Under the compiler, which fuses, one piece."""
    device = on_edges[0].device
    if device.type != "cpu" or torch.compiler.is_compiling():
        return [on_edges]
    size = PIECE * torch.get_num_threads()
    return list(zip(*(tensor.split(size, -1) for tensor in on_edges), strict=True))
