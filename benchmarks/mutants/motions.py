"""Draws elements of a symmetry and transforms tensors by them. Nothing of `equivariance` is imported."""

from __future__ import annotations

import re

import torch
from torch import Tensor

from benchmarks.mutants.example import Example, Law

_S = 0.5**0.5
_SECOND = torch.tensor(  # e3nn's basis of l = 2, as symmetric matrices over x, y, z
    [
        [[0, 0, _S], [0, 0, 0], [_S, 0, 0]], [[0, _S, 0], [_S, 0, 0], [0, 0, 0]],
        [[-(6**-0.5), 0, 0], [0, 2 * 6**-0.5, 0], [0, 0, -(6**-0.5)]],
        [[0, 0, 0], [0, 0, _S], [0, _S, 0]], [[-_S, 0, 0], [0, 0, 0], [0, 0, _S]],
    ],
    dtype=torch.float64,
)  # fmt: skip


class Motion:
    """A rotation or reflection, a shift, and the chosen nodes, edges and samples in their new order."""

    def __init__(self) -> None:
        self.matrix, self.shift = torch.eye(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
        self.chosen: dict[str, Tensor] = {}

    def of(self, irreps: str) -> Tensor:
        """Returns the matrix of the irreps."""
        blocks, parity = [], self.matrix.det().sign()
        proper = parity * self.matrix
        degrees = {
            "0": torch.ones(1, 1, dtype=torch.float64), "1": proper,
            "2": torch.einsum("aij,ik,jl,bkl->ab", _SECOND, proper, proper, _SECOND),
        }  # fmt: skip
        for count, degree, sign in re.findall(r"(?:(\d+)x)?(\d)([eo])", irreps):
            blocks += int(count or 1) * [degrees[degree] * parity if sign == "o" else degrees[degree]]
        return torch.block_diag(*blocks)

    def moved(self, value: Tensor, law: Law) -> Tensor:
        """Returns the transformed tensor."""
        if law.irreps or law.point:
            turned = value.movedim(law.axis, -1) @ self.of(law.irreps or "1o").T
            if law.point:
                turned[..., :3] += self.shift
            value = turned.movedim(-1, law.axis)
        if law.counts in self.chosen:
            chosen = self.chosen[law.counts]
            new = torch.full((int(max(value.max(), chosen.max())) + 1,), -1)
            new[chosen] = torch.arange(len(chosen))
            value = new[value]
        for what, axes in (("nodes", law.nodes), ("edges", law.edges), ("samples", law.samples)):
            if axes is not None and what in self.chosen:
                for axis in axes if isinstance(axes, tuple) else (axes,):
                    value = value.index_select(axis, self.chosen[what])
        return value


def motion(symmetry: str, example: Example, seed: int) -> Motion:
    """Draws an element of one symmetry."""
    made, generator = Motion(), torch.Generator().manual_seed(seed)
    if symmetry == "translation":
        made.shift = 3 * torch.randn(3, generator=generator, dtype=torch.float64)
    elif symmetry == "rotation":
        turned = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))[0]
        made.matrix = turned * turned.det()
    elif symmetry == "inversion":
        made.matrix = -made.matrix
    elif symmetry == "batch":
        count = _count(example, "samples")
        made.chosen["samples"] = torch.randperm(count, generator=generator)[: 1 + seed % (count - 1)]
        _choose_within(example, made.chosen)
    else:  # the order of nodes, or of edges, within samples
        what = "nodes" if symmetry == "permutation" else "edges"
        sample, noise = _sample(example, what), torch.rand(_count(example, what), generator=generator)
        made.chosen[what] = (noise if sample is None else sample + noise).argsort()
    return made


def _choose_within(example: Example, chosen: dict[str, Tensor]) -> None:
    """Chooses the nodes and edges of the samples, if samples lie one after the other."""
    for what in ("nodes", "edges"):
        if (sample := _sample(example, what)) is not None:
            chosen[what] = torch.cat([(sample == k).nonzero()[:, 0] for k in chosen["samples"]])


def _sample(example: Example, what: str) -> Tensor | None:
    """Returns the sample of each node or edge, if a tensor of the example counts samples."""
    sample = next((example.tensors[n] for n, law in example.laws.items() if law.counts == "samples"), None)
    if sample is None or what == "nodes":
        return sample
    ends = [(n, law.edges) for n, law in example.laws.items() if law.counts == "nodes" and law.edges is not None]
    return sample[example.tensors[ends[0][0]].movedim(ends[0][1], -1).reshape(-1, _count(example, "edges"))[0]] \
        if ends else None  # fmt: skip


def _count(example: Example, what: str) -> int:
    """Returns the number of nodes, edges or samples."""
    for name, law in example.laws.items():
        axis = getattr(law, what)
        if axis is not None:
            return example.tensors[name].shape[axis[0] if isinstance(axis, tuple) else axis]
        if law.counts == what == "samples":
            return int(example.tensors[name].max()) + 1
    raise ValueError(f"no tensor lists {what}")
