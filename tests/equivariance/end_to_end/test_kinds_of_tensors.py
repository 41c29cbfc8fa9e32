"""Layers inside of torch.vmap and torch.func, sparse and nested tensors, subclasses: the statement is found in all."""

import numpy as np
import pytest
import torch
from e3nn import o3
from scipy.spatial import cKDTree
from torch import nn

import equivariance as eq
from equivariance.errors import ContractError
from tests.equivariance.helpers.specimens import normal


class Vectors(nn.Module):
    """Eight vectors for each point, [N, 8, 3]."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(normal(8))

    def forward(self, x):
        return (x - x.mean(0))[:, None] * self.weight[:, None]


class Gate(nn.Module):
    def __init__(self, broken):
        super().__init__()
        self.broken, self.linear = broken, nn.Linear(8, 8)

    def forward(self, v):
        if self.broken:
            return v.relu()
        return self.linear(v.norm(dim=-1)).sigmoid()[..., None] * v


class Network(nn.Module):
    """Vectors, a gate, and their mean over the eight."""

    def __init__(self, broken):
        super().__init__()
        self.vectors, self.gate = Vectors(), Gate(broken)

    def forward(self, x):
        return self.between(self.vectors(x)).mean(1)

    def between(self, v):
        return self.gate(v)


class Mapped(Network):
    def between(self, v):
        return torch.vmap(self.gate)(v)


class MappedIrreps(Network):
    """A layer that states its irreps is called inside."""

    def __init__(self, broken):
        super().__init__(broken)
        self.product = o3.Linear("8x1o", "8x1o")

    def between(self, v):
        return self.gate(torch.vmap(self.product)(v.flatten(1)).unflatten(1, (8, 3)))


class Forces(Network):
    def energy(self, x):
        return self.gate(self.vectors(x)).norm(dim=-1).square().sum()

    def forward(self, x):
        return torch.func.grad(self.energy)(x)


class Jacobian(Forces):
    def forward(self, x):
        return torch.func.jacrev(lambda x: self.gate(self.vectors(x)).norm(dim=-1).square().sum(0))(x).sum(0)


class MappedForces(Forces):
    def forward(self, x):
        return torch.vmap(torch.func.grad(self.energy))(torch.stack([x, 2 * x])).sum(0)


def near(v):
    """[N, N], which of the points are near each other."""
    return torch.cdist(v[:, 0], v[:, 0]).lt(1).to(v.dtype)


class Sparse(Network):
    layout = torch.sparse_coo

    def between(self, v):
        v = self.gate(v)
        return torch.sparse.mm(near(v).to_sparse(layout=self.layout), v.flatten(1)).reshape(v.shape)


class Compressed(Sparse):
    layout = torch.sparse_csr


class Spread(nn.Module):
    def __init__(self, gate):
        super().__init__()
        self.gate = gate

    def forward(self, adjacency, v):
        return (adjacency @ self.gate(v).flatten(1)).reshape(v.shape)


class SparsePassed(Network):
    """A sparse tensor passes from layer to layer."""

    def __init__(self, broken):
        super().__init__(broken)
        self.spread = Spread(self.gate)

    def between(self, v):
        return self.spread(near(v).to_sparse(), v)


class Each(nn.Module):
    def __init__(self, gate):
        super().__init__()
        self.gate = gate

    def forward(self, nested):
        return torch.nested.as_nested_tensor([self.gate(t.unflatten(1, (8, 3))).flatten(1) for t in nested.unbind()])


class Nested(Network):
    def __init__(self, broken):
        super().__init__(broken)
        self.each = Each(self.gate)

    def between(self, v):
        rows = torch.nested.as_nested_tensor([v[:2].flatten(1), v[2:].flatten(1)])
        return torch.cat(self.each(rows).unbind()).unflatten(1, (8, 3))


class NestedVectors(Network):
    """The statement at fault works on a nested tensor as a whole."""

    def between(self, v):
        rows = torch.nested.as_nested_tensor([v[:2].flatten(1), v[2:].flatten(1)])
        rows = rows.relu() if self.gate.broken else rows * 2
        return torch.cat(rows.unbind()).unflatten(1, (8, 3))


class Tagged(torch.Tensor):
    """A tensor of another class."""


class Subclass(Network):
    def between(self, v):
        return self.gate(v.as_subclass(Tagged)).mul(2).as_subclass(torch.Tensor)


class Data(Network):
    """Torch makes a tensor that no operation makes."""

    def between(self, v):
        return self.gate(v).data * 2


class Spectrum(nn.Module):
    def forward(self, v):
        return torch.fft.fft(v, dim=1)


class Complex(Network):
    """Complex numbers pass from layer to layer."""

    def __init__(self, broken):
        super().__init__(broken)
        self.spectrum = Spectrum()

    def between(self, v):
        return torch.fft.ifft(self.spectrum(self.gate(v)), dim=1).real


KINDS = [
    Mapped, MappedIrreps, Forces, Jacobian, MappedForces, Sparse, Compressed, SparsePassed, Nested, NestedVectors,
    Subclass, Data, Complex,
]  # fmt: skip


def diagnosed(network, **options):
    return eq.diagnose(network, normal(6, 3), "cartesian_points", "1x1o", group="se3", samples=3, **options)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta:UserWarning")
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors is in prototype:UserWarning")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("broken", [False, True])
def test_the_statement_is_found_whatever_the_tensors_are(kind, broken):
    report = diagnosed(kind(broken))
    found = [(f.symmetry, f.located, "relu()" in f.location.source) for f in report.findings]
    assert found == [("rotation", "confirmed", True)] * broken


def test_a_contract_of_a_layer_inside_is_refused():
    contract = eq.Contract({"v": eq.CartesianTensor()}, eq.CartesianTensor())
    with pytest.raises(ContractError, match=r"gate: v.*inside of torch.vmap or torch.func"):
        diagnosed(Mapped(False), contracts={"gate": contract})


class Neighbours(Network):
    """SciPy looks for them, on the positions as they are or stretched along an axis."""

    def forward(self, x):
        where = x.numpy() * [1, 1, 1 + 2 * self.gate.broken]
        nearest = torch.from_numpy(cKDTree(where).query(where, 3)[1])  # here
        return self.vectors(x)[nearest].sum(1).mean(1)


class Rectified(Network):
    """The broken value goes into a layer, which is not at fault."""

    def __init__(self, broken):
        super().__init__(broken)
        self.sound = Gate(False)

    def between(self, v):
        values = np.maximum(v.numpy(), 0) if self.gate.broken else v.numpy() * 2
        return self.sound(torch.from_numpy(values))  # here


class Numbers(Network):
    def between(self, v):
        sizes = [float(row[0, 0]) if self.gate.broken else float(row.norm()) for row in v]
        return v * torch.tensor(sizes, dtype=v.dtype)[:, None, None]  # here


@pytest.mark.parametrize("kind", [Neighbours, Rectified, Numbers])
@pytest.mark.parametrize("broken", [False, True])
def test_what_comes_back_from_numpy_is_at_fault_where_it_does(kind, broken):
    report = diagnosed(kind(broken))
    found = [(f.layer, f.symmetry, f.located, f.location.source.endswith("# here")) for f in report.findings]
    assert found == [("", "rotation", "confirmed", True)] * broken
