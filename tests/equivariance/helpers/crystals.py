"""Networks on periodic structures, sound and broken, and structures for them."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

CUTOFF = 2.2
TRICLINIC = torch.tensor([[5.0, 0.0, 0.0], [1.2, 4.6, 0.0], [0.4, -0.7, 5.3]])


def atoms(count: int, cell: Tensor = TRICLINIC, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, generator=torch.Generator().manual_seed(seed)) @ cell


def structure(count: int = 10, pbc=(True, True, True), seed: int = 0) -> tuple[Tensor, ...]:
    """Kinds, positions, cell and periodic axes."""
    return torch.arange(count) % 5, atoms(count, seed=seed), TRICLINIC, torch.tensor(pbc)


def neighbours(pos: Tensor, cell: Tensor, pbc) -> tuple[Tensor, Tensor]:
    """Ends [2, E] and shifts [E, 3], with r = pos[target] - pos[source] + shifts @ cell."""
    found = []
    for shift in itertools.product(*(range(-1, 2) if periodic else range(1) for periodic in pbc)):
        apart = pos[None] + torch.tensor(shift).to(pos) @ cell - pos[:, None]
        pairs = (apart.norm(dim=-1) < CUTOFF).nonzero().tolist()
        found += [(i, j, *shift) for i, j in pairs if i != j or any(shift)]
    table = torch.tensor(found)
    return table[:, :2].T.contiguous(), table[:, 2:]


def graph(count: int = 8, pbc=(True, True, True), seed: int = 0) -> tuple[Tensor, ...]:
    """A structure with edges and their shifts, whole numbers of lattice vectors."""
    kinds, pos, cell, periodic = structure(count, pbc, seed)
    return kinds, pos, cell, periodic, *neighbours(pos, cell, pbc)


class Network(nn.Module):
    """One message from each neighbour within the cutoff, then one number for each atom."""

    def __init__(self):
        super().__init__()
        self.kinds, self.mix, self.read = nn.Embedding(5, 8), nn.Linear(8, 8), nn.Linear(8, 1)

    def weights(self, squared: Tensor) -> Tensor:
        return (1 - squared / CUTOFF**2).clamp(min=0) ** 3 * (squared > 1e-6)

    def of_pairs(self, z: Tensor, apart: Tensor) -> Tensor:
        near = self.weights(apart.square().sum(-1))
        features = self.kinds(z)
        return self.read(torch.tanh(features + near @ torch.tanh(self.mix(features))))

    def of_edges(self, z: Tensor, ends: Tensor, apart: Tensor) -> Tensor:
        near, features = self.weights(apart.square().sum(-1)), self.kinds(z)
        sent = near[:, None] * torch.tanh(self.mix(features))[ends[0]]
        return self.read(torch.tanh(features + torch.zeros_like(features).index_add(0, ends[1], sent)))


class NearestImage(Network):
    def forward(self, z, pos, cell, pbc):
        apart = pos[:, None] - pos[None]
        numbers = (apart @ torch.linalg.inv(cell)).round() * pbc.to(pos)
        return self.of_pairs(z, apart - numbers @ cell).sum()


class MeanOfNearest(NearestImage):
    def forward(self, z, pos, cell, pbc):
        return super().forward(z, pos, cell, pbc) / len(z)


class BySines(Network):
    """Takes nearest images by the angle of a sine and a cosine of fractional coordinates."""

    def forward(self, z, pos, cell, pbc):
        angles = 2 * torch.pi * (pos @ torch.linalg.inv(cell))
        turned = angles[:, None] - angles[None]
        apart = torch.atan2(turned.sin(), turned.cos()) / (2 * torch.pi) @ cell
        return self.of_pairs(z, apart).sum()


class Fourier(Network):
    """Reads fractional coordinates, and therefore the choice of the cell."""

    def forward(self, z, pos, cell, pbc):
        turned = 2 * torch.pi * (pos @ torch.linalg.inv(cell))
        return self.of_pairs(z, (turned[:, None] - turned[None]).sin()).sum()


class Raw(Network):
    def forward(self, z, pos, cell, pbc):
        apart = pos[:, None] - pos[None]  # the statement at fault
        return self.of_pairs(z, apart).sum() + 0 * cell.sum()


class OneAxisLess(Network):
    def forward(self, z, pos, cell, pbc):
        apart = pos[:, None] - pos[None]
        numbers = (apart @ torch.linalg.inv(cell)).round() * pbc.to(pos)
        numbers = numbers * torch.tensor([1, 1, 0]).to(pos)  # the statement at fault
        return self.of_pairs(z, apart - numbers @ cell).sum()


class AllOrNothing(Network):
    """Looks for images only if all axes are periodic."""

    def forward(self, z, pos, cell, pbc):
        apart = pos[:, None] - pos[None]  # the statement at fault
        if bool(pbc.all()):
            apart = apart - (apart @ torch.linalg.inv(cell)).round() @ cell
        return self.of_pairs(z, apart).sum()


class Shifted(Network):
    sign = 1

    def forward(self, z, pos, cell, pbc, edge_index, shifts):
        source, target = edge_index
        apart = self.sign * (pos[target] - pos[source]) + shifts.to(pos) @ cell
        rows = self.of_edges(z, edge_index, apart)
        return {"energy": rows.sum(), "rows": rows}


class ShiftedBackwards(Shifted):
    sign = -1


class ShiftedInSpace(Network):
    def forward(self, z, pos, cell, pbc, edge_index, shifts):
        source, target = edge_index
        return self.of_edges(z, edge_index, pos[target] - pos[source] + shifts)


class ForgottenShifts(Network):
    def forward(self, z, pos, cell, pbc, edge_index, shifts):
        source, target = edge_index
        start, end = pos[source], pos[target]
        apart = end - start  # the statement at fault
        return self.of_edges(z, edge_index, apart).sum()


class Joined(Shifted):
    """Energies of several structures, joined one after the other, each with a cell of its own."""

    def cells(self, cell):
        return cell

    def forward(self, z, pos, cell, pbc, edge_index, shifts, batch):
        source, target = edge_index
        across = torch.einsum("ea,eax->ex", shifts.to(pos), self.cells(cell)[batch[source]])
        rows = self.of_edges(z, edge_index, pos[target] - pos[source] + across)
        return torch.zeros(len(cell), 1).to(pos).index_add(0, batch, rows)


class JoinedInFirstCell(Joined):
    def cells(self, cell):
        return cell[:1].expand_as(cell)


def joined() -> tuple[Tensor, ...]:
    """Two structures of unequal size, in different cells, with different periodic axes."""
    cells, periodic = torch.stack([TRICLINIC, 1.1 * TRICLINIC]), torch.tensor([[True, True, False], [True] * 3])
    pos = [atoms(9, cells[0], seed=1), atoms(8, cells[1], seed=2)]
    edges = [neighbours(p, c, b.tolist()) for p, c, b in zip(pos, cells, periodic, strict=True)]
    ends = torch.cat([edges[0][0], edges[1][0] + 9], 1)
    batch = torch.tensor([0] * 9 + [1] * 8)
    return torch.arange(17) % 5, torch.cat(pos), cells, periodic, ends, torch.cat([s for _, s in edges]), batch


class Stacked(Network):
    """Energies of several structures with equally many atoms, [samples, atoms, 3]."""

    def forward(self, z, pos, cell, pbc):
        apart = pos[:, :, None] - pos[:, None]
        numbers = torch.einsum("bijx,bxa->bija", apart, torch.linalg.inv(cell)).round()
        numbers = numbers * pbc[:, None, None].to(pos)
        return self.of_pairs(z, apart - torch.einsum("bija,bax->bijx", numbers, cell)).sum((1, 2))


class StackedRaw(Network):
    def forward(self, z, pos, cell, pbc):
        return self.of_pairs(z, pos[:, :, None] - pos[:, None]).sum((1, 2)) + 0 * cell.sum()


def stacked() -> tuple[Tensor, ...]:
    cells = torch.stack([TRICLINIC, 1.1 * TRICLINIC, 0.95 * TRICLINIC])
    pos = torch.stack([atoms(8, cell, seed) for seed, cell in enumerate(cells)])
    periodic = torch.tensor([[True, True, False], [True, True, False], [True, True, True]])
    return torch.arange(24).reshape(3, 8) % 5, pos, cells, periodic


class Moved(NearestImage):
    """New positions, which follow the atoms, forces and a tensor of the whole."""

    def forward(self, z, pos, cell, pbc):
        apart = pos[:, None] - pos[None]
        apart = apart - ((apart @ torch.linalg.inv(cell)).round() * pbc.to(pos)) @ cell
        near = self.weights(apart.square().sum(-1))
        forces = (near[..., None] * apart).sum(1)
        stress = (near[..., None, None] * apart[..., None] * apart[..., None, :]).sum((0, 1)) / cell.det().abs()
        return {"pos": pos + 0.1 * forces, "forces": forces, "stress": stress}


class InTheCell(Moved):
    def forward(self, z, pos, cell, pbc):
        inside = (pos @ torch.linalg.inv(cell)) % 1 @ cell
        return super().forward(z, inside, cell, pbc)
