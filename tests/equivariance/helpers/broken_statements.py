"""Networks with one statement at fault, marked by a comment, and sound ones whose insides look broken."""

import torch
from torch import Tensor, nn


def relative(x: Tensor) -> Tensor:
    return x - x.mean(0, keepdim=True)


def pairs(x: Tensor) -> tuple[Tensor, Tensor]:
    difference = x[:, None] - x[None]
    return difference, difference.norm(dim=-1)


def messages(x: Tensor) -> Tensor:
    difference, distance = pairs(x)
    return torch.einsum("ij,ijk->ik", torch.exp(-distance), difference)


class Bias(nn.Module):
    def forward(self, x):
        v = messages(x)
        v = v + 0.1  # at fault: Bias
        return v.norm(dim=-1)


class Rectified(nn.Module):
    def forward(self, x):
        v = messages(x)
        w = torch.relu(v)  # at fault: Rectified
        return v * w.norm(dim=-1, keepdim=True)


class Components(nn.Module):
    def forward(self, x):
        a, b, c = messages(x).unbind(-1)
        r = (a * a + b * b).sqrt()
        theta = torch.atan2(b, a)
        c = c + 0.3 * abs(c)  # at fault: Components
        return torch.stack([r * theta.cos(), r * theta.sin(), c], dim=-1)


class Branch(nn.Module):
    def forward(self, x):
        v = messages(x)
        if v[0, 0] > 0:  # at fault: Branch
            return v * 2
        return v


class Helper(nn.Module):
    def forward(self, x):
        return self.scaled(messages(x))

    def scaled(self, v):
        return v * torch.tensor([1.0, 1.0, 1.1])  # at fault: Helper


class Normed(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(3)

    def forward(self, x):
        v = messages(x)
        v = self.norm(v)  # at fault: Normed
        return v * v.norm(dim=-1, keepdim=True)


class InPlace(nn.Module):
    def forward(self, x):
        out = torch.zeros_like(x)
        v = messages(x)
        out[:, 0] = v[:, 0]
        out[:, 1] = v[:, 1]
        out[:, 2] = v[:, 2].abs()  # at fault: InPlace
        return out


class Absolute(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(4, 8)

    def forward(self, x):
        _, distance = pairs(x)
        features = torch.cat([distance.sum(-1, keepdim=True), x], dim=-1)  # at fault: Absolute
        hidden = self.embed(features)
        return torch.sigmoid(hidden)


class Looped(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(3, 3, bias=False) for _ in range(3))
        self.broken = 1

    def forward(self, x):
        v = messages(x)
        for i, layer in enumerate(self.layers):
            v = v * layer.weight.sum()
            if i == self.broken:
                v = layer(v)  # at fault: Looped
        return v.norm(dim=-1)


class Crossed(nn.Module):
    """Declared a vector, is a pseudo-vector."""

    def forward(self, x):
        v, w = relative(x), messages(x)
        u = torch.linalg.cross(v, w)  # at fault: Crossed
        return u * w.norm(dim=-1, keepdim=True)


class Ordered(nn.Module):
    def forward(self, x):
        v = messages(x)
        weights = torch.arange(len(v)).to(v) / len(v)
        v = v * weights[:, None]  # at fault: Ordered
        return v.sum(0, keepdim=True) + relative(x)


class Summed(nn.Module):
    """The later layer reads sound values beside broken ones."""

    def __init__(self):
        super().__init__()
        self.update = nn.Linear(6, 3, bias=False)

    def forward(self, x):
        v = messages(x)
        total = v.cumsum(0)  # at fault: Summed
        return v + self.update(torch.cat([v, total], -1))


class First(nn.Module):
    def forward(self, x):
        start = relative(x)[0]  # at fault: First
        return messages(x) + start


class Twice(nn.Module):
    """Two statements at fault."""

    def forward(self, x):
        v = messages(x)
        v = v + 0.1  # at fault: Twice
        n = v.norm(dim=-1, keepdim=True)
        w = torch.relu(relative(x))  # at fault: Twice
        return n * w.norm(dim=-1, keepdim=True)


class Upright(nn.Module):
    """The axis, and not what is made of it."""

    def forward(self, x):
        v = messages(x)
        up = torch.eye(3).to(v)[2].expand_as(v)  # at fault: Upright
        side = torch.linalg.cross(v, up)
        return side / side.norm(dim=-1, keepdim=True)


class Iterated(nn.Module):
    """Breaks again what it has broken before."""

    def forward(self, x):
        v = messages(x)
        for step in (0.5, 0.2):
            shift = step * torch.tanh(v)  # at fault: Iterated
            v = v + shift.roll(1, 0)
        return v


class CalledAgain(nn.Module):
    def forward(self, x):
        return self.bent(2 * self.bent(messages(x)))

    def bent(self, v):
        return v * torch.sigmoid(v)  # at fault: CalledAgain


class LaidOut(nn.Module):
    """Transposed where it should not be. The rows of all nodes are alike: one mixture of nodes fits what that makes."""

    def __init__(self):
        super().__init__()
        self.mix, self.out = nn.Linear(1, 8, bias=False), nn.Linear(8, 1, bias=False)

    def forward(self, x):
        v = self.mix(relative(x)[:, :, None])
        v = v * v.norm(dim=1, keepdim=True)
        v = v.mT.reshape(-1, 3, 8)  # at fault: LaidOut
        return self.out(v)[:, :, 0]


class Scrambled(nn.Module):
    """Components are all there, under other names, until their norms are taken; what is returned shows it too."""

    def __init__(self):
        super().__init__()
        self.mix = nn.Linear(1, 4, bias=False)

    def forward(self, x):
        r = pairs(x)[0]
        v = torch.einsum("ijc,ijx->icx", torch.tanh(self.mix(r.norm(dim=-1, keepdim=True))), r)
        v = v.reshape(-1, 3, 4).mT  # at fault: Scrambled
        v = 0.5 * v
        gates = torch.tanh(v.norm(dim=-1))
        return (gates[..., None] * v).sum(1)


class Numbered(nn.Module):
    """Edges are listed anew, with other numbers of nodes in another order; a number is used where none should be."""

    def forward(self, x):
        first, second = (torch.cdist(x, x) < 2).nonzero(as_tuple=True)
        lengths = (x[first] - x[second]).norm(dim=-1)
        sums = torch.zeros(len(x)).to(x).index_add(0, first, lengths)
        sums = sums * (1 + first[lengths.argmax()])  # at fault: Numbered
        return torch.tanh(sums)


class Polar(nn.Module):
    def forward(self, x):
        a, b, c = messages(x).unbind(-1)
        r, theta = (a * a + b * b).sqrt(), torch.atan2(b, a)
        return torch.stack([r * theta.cos(), r * theta.sin(), c], dim=-1)


class Frames(nn.Module):
    def forward(self, x):
        v, w = relative(x), messages(x)
        e1 = v / v.norm(dim=-1, keepdim=True)
        e3 = torch.linalg.cross(v, w)
        e3 = e3 / e3.norm(dim=-1, keepdim=True)
        frame = torch.stack([e1, torch.linalg.cross(e3, e1), e3], dim=-1)
        local = torch.einsum("nij,ni->nj", frame, w)
        local = torch.tanh(local) + 0.1
        return torch.einsum("nij,nj->ni", frame, local)


class Eigen(nn.Module):
    def forward(self, x):
        v = relative(x)
        values, vectors = torch.linalg.eigh(v.T @ v)
        return (v @ vectors * values.sqrt()) @ vectors.T


class Differenced(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, x):
        y = self.linear(x)
        return (y[:, None] - y[None]).abs().sum(1)


class Filled(nn.Module):
    def forward(self, x):
        out = torch.empty_like(x)
        v = messages(x)
        for k in range(3):
            out[:, k] = v[:, k] * 2
        return torch.where(v.norm(dim=-1, keepdim=True) > 1, out, v)
