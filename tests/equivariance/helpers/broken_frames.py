"""Networks that turn vectors into frames of their own choice and back; a comment marks the statement at fault."""

import torch
from torch import Tensor, nn

from tests.equivariance.helpers.broken_statements import messages, pairs, relative


def edge_frames(edges: Tensor) -> Tensor:
    """Rows: the edge's direction in the middle, the others chosen by the axis z."""
    along = edges / edges.norm(dim=-1, keepdim=True)
    up = torch.eye(3).to(edges)[2].expand_as(along)
    side = torch.linalg.cross(along, up)
    side = side / side.norm(dim=-1, keepdim=True)
    return torch.stack([side, along, torch.linalg.cross(side, along)], -2)


class AlongEdges(nn.Module):
    """Sound: what lies across the edge is treated alike, so that the choice drops out."""

    scale = (0.3, 2.0, 0.3)

    def forward(self, x):
        frames, local = self.local(x)
        local = local * torch.tensor(self.scale)
        return torch.einsum("jkx,jk->jx", frames, local)

    def local(self, x: Tensor) -> tuple[Tensor, Tensor]:
        frames = edge_frames(x.roll(1, 0) - x)
        return frames, torch.einsum("jkx,jx->jk", frames, messages(x))


class Unequal(AlongEdges):
    def forward(self, x):
        frames, local = self.local(x)
        local = local * torch.tensor([0.3, 2.0, 0.5])  # at fault: Unequal
        return torch.einsum("jkx,jk->jx", frames, local)


class BentInFrame(AlongEdges):
    def forward(self, x):
        frames, local = self.local(x)
        local = local * torch.tensor(self.scale)
        local = local + torch.tanh(local)  # at fault: BentInFrame
        return torch.einsum("jkx,jk->jx", frames, local)


class Whitened(nn.Module):
    """A frame taken from what is broken already: whitening itself is sound."""

    def forward(self, x):
        v = messages(x)
        covariance = v.mT @ v + torch.diag(torch.tensor([0.1, 0.2, 0.3]))  # at fault: Whitened
        values, axes = torch.linalg.eigh(covariance)
        return v @ (axes / values.sqrt()) @ axes.mT


class Principal(nn.Module):
    """Coordinates along principal axes, whose signs are nobody's."""

    def forward(self, x):
        v = relative(x)
        axes = torch.linalg.eigh(v.T @ v)[1]  # at fault: Principal
        return torch.exp(v @ axes).sum(-1)


class Height(nn.Module):
    """The axis itself is at fault: nothing is turned back."""

    def forward(self, x):
        v = messages(x)
        height = v[:, 2:]
        height = height * torch.tanh(height)  # at fault: Height
        return v * (1 + height)


class Cancelled(nn.Module):
    """Without its second statement nothing would be left: that proves nothing."""

    def forward(self, x):
        v = messages(x)
        bent = torch.tanh(v)  # at fault: Cancelled
        squeezed = 0.5 * bent
        return v + bent - squeezed


class OneOfTwo(nn.Module):
    """A position that is rightly used in a difference, and wrongly by itself."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Linear(1, 1)

    def forward(self, x):
        source = x.roll(1, 0)
        between = x - source
        weight = self.weight(between.norm(dim=-1, keepdim=True))
        return weight, weight * source + pairs(x)[0].sum(1)  # at fault: OneOfTwo


class OrderOne(nn.Module):
    """Sound: channels of vectors along edges, order 0 by itself and the orders 1 and -1 in blocks (a, -b; b, a)."""

    bias, channels = False, 4

    def __init__(self):
        super().__init__()
        self.zero = nn.Linear(4, 4)
        self.real = nn.Linear(4, self.channels, bias=self.bias)
        self.imaginary = nn.Linear(4, self.channels, bias=False)

    def forward(self, v, edges):
        frames = edge_frames(edges)
        side, along, other = torch.einsum("nkx,ncx->nkc", frames, v).unbind(1)
        side, other = self.blocks(side, other)
        return torch.einsum("nkx,nkc->ncx", frames, torch.stack([side, self.zero(along), other], 1))

    def blocks(self, side, other):
        new = self.real(side) - self.imaginary(other), self.imaginary(side) + self.real(other)
        return new


class BiasInFrame(OrderOne):
    bias = True

    def blocks(self, side, other):
        new = self.real(side) - self.imaginary(other), self.imaginary(side) + self.real(other)  # at fault: BiasInFrame
        return new


class BiasOnHalves(OrderOne):
    """With weights of its own for either half of the output."""

    bias, channels = True, 8

    def blocks(self, side, other):
        new = torch.cat([self.real(side), self.real(other)]).view(2, -1, 2, 4)  # at fault: BiasOnHalves
        return new[0, :, 0] - new[1, :, 1], new[0, :, 1] + new[1, :, 0]


class SignInFrame(OrderOne):
    def blocks(self, side, other):
        new = self.real(side) + self.imaginary(other), self.imaginary(side) + self.real(other)  # at fault: SignInFrame
        return new


class InARow(nn.Module):
    """Layers that take edges beside vectors, one after the other."""

    def __init__(self, layer):
        super().__init__()
        self.first, self.second = layer(), layer()

    def forward(self, v, edges):
        return self.second(self.first(v, edges), edges)
