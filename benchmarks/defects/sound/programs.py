"""Ways to write a program: shared modules, autograd inside, autocast, checkpoints, containers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from benchmarks.defects.parts import mlp, safe_norm
from benchmarks.defects.sound.register import POINTS, Sound
from equivariance import Invariant

sound = Sound("programs")


class Mix(nn.Module):
    """Channels of vectors mixed by a matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 4) / 2)

    def forward(self, v: Tensor) -> Tensor:
        return self.weight @ v


class NormGate(nn.Module):
    """Vectors scaled by a network of their lengths."""

    def __init__(self) -> None:
        super().__init__()
        self.net = mlp(4, 6, 4)

    def forward(self, v: Tensor) -> Tensor:
        return v * self.net(safe_norm(v))[..., None].sigmoid()


@sound("one-layer-called-twice", ("1x1o",), "1x1o")
class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mix, self.gate = Mix(), NormGate()

    def forward(self, v: Tensor) -> Tensor:
        return self.gate(self.mix(self.gate(self.mix(v)))) - v


@sound("one-layer-under-two-names", ("1x1o",), "1x1o")
class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(Mix(), NormGate())
        self.layers = nn.ModuleList([self.first, Mix(), self.first])

    def forward(self, v: Tensor) -> Tensor:
        for layer in self.layers:
            v = layer(v)
        return v


@sound("sequential", ("1x1o",), "1x1o")
class InSequence(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(Mix(), NormGate(), Mix(), nn.Identity())


@sound("shared-network-of-scalars-and-lengths", (None, "1x1o"), None)
class SharedNetwork(nn.Module):
    """The same linear layer on invariants and, without its bias, on channels of vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, h: Tensor, v: Tensor) -> Tensor:
        mixed = nn.functional.linear(v.mT, self.linear.weight)
        return self.linear(h) + mixed.square().sum(1)


class Energy(nn.Module):
    """An energy of all pairs."""

    def __init__(self) -> None:
        super().__init__()
        self.net = mlp(1, 6, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.net((x[:, None] - x).square().sum(-1, keepdim=True)).sum()


@sound("forces-by-autograd", (POINTS,), "1x1o")
class Forces(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.energy = Energy()

    def forward(self, x: Tensor) -> Tensor:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self.energy(x), x)
        return -gradient


@sound("energy-and-forces", (POINTS,), {"energy": Invariant(nodes=None, batch=None), "forces": "1x1o"})
class EnergyAndForces(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.energy = Energy()

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            energy = self.energy(x)
            (gradient,) = torch.autograd.grad(energy, x)
        return {"energy": energy.detach(), "forces": -gradient}


@sound("forces-by-functional-gradient", (POINTS,), "1x1o")
class FunctionalForces(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def energy(self, x: Tensor) -> Tensor:
        return torch.exp(-self.scale * (x[:, None] - x).square().sum(-1)).sum()

    def forward(self, x: Tensor) -> Tensor:
        return -torch.func.grad(self.energy)(x)


@sound("mapped-over-nodes", (POINTS,), "1x1o")
class Mapped(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        def pull(point: Tensor) -> Tensor:
            edges = x - point
            return (edges * torch.exp(-edges.square().sum(-1, keepdim=True))).sum(0)

        return torch.func.vmap(pull)(x)


@sound("autocast", (None, "1x1o"), "1x1o")
class Autocast(nn.Module):
    """The network of scalars in bfloat16, the geometry in full precision."""

    def __init__(self) -> None:
        super().__init__()
        self.net = mlp(4, 8, 4)

    def forward(self, h: Tensor, v: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            gates = self.net(h)
        return v * gates.to(v)[..., None]


@sound("checkpointed", ("1x1o",), "1x1o")
class Checkpointed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mix, self.gate = Mix(), NormGate()

    def forward(self, v: Tensor) -> Tensor:
        return checkpoint(self.gate, checkpoint(self.mix, v, use_reentrant=False), use_reentrant=False)


class _Normalize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, v: Tensor) -> Tensor:
        length = v.square().sum(-1, keepdim=True).clamp(min=1e-12).sqrt()
        ctx.save_for_backward(v / length, length)
        return v / length

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        unit, length = ctx.saved_tensors
        return (gradient - unit * (gradient * unit).sum(-1, keepdim=True)) / length


@sound("own-autograd-function", ("1x1o",), "1x1o")
class OwnFunction(nn.Module):
    def forward(self, v: Tensor) -> Tensor:
        return _Normalize.apply(v.cumsum(1))


@sound("weights-normalized", ("1x1o",), "1x1o")
class Parametrized(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.utils.parametrizations.weight_norm(nn.Linear(4, 4, bias=False))

    def forward(self, v: Tensor) -> Tensor:
        return self.mix(v.mT).mT


@sound("library-attention-on-lengths", ("1x1o",), "1x1o")
class LibraryAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, v: Tensor) -> Tensor:
        lengths = safe_norm(v)[None]
        seen = self.attention(lengths, lengths, lengths, need_weights=False)[0][0]
        return v * seen[..., None]


@sound("batchnorm-and-layernorm-on-invariants", (None, "1x1o"), "1x1o")
class Norms(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.batch, self.layer = nn.BatchNorm1d(4), nn.LayerNorm(4)

    def forward(self, h: Tensor, v: Tensor) -> Tensor:
        return v * (self.batch(h) + self.layer(safe_norm(v)))[..., None]


@sound("dropout-of-channels", ("1x1o",), "1x1o", ("o3",))
class Dropout(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.3)

    def forward(self, v: Tensor) -> Tensor:
        return v * self.drop(torch.ones_like(v[..., :1]))


@sound("running-mean-of-lengths", ("1x1o",), "1x1o")
class Running(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("size", torch.ones(4))

    def forward(self, v: Tensor) -> Tensor:
        if self.training:
            self.size.mul_(0.9).add_(0.1 * safe_norm(v).mean(0).detach())
            return v / safe_norm(v).mean(0)[:, None]
        return v / self.size[:, None]


@sound("nested-containers", ({"scalars": None, "more": ["1x1o", POINTS]},), {"points": POINTS, "lengths": [None]},
       args=lambda: ({"scalars": torch.randn(8, 4), "more": [torch.randn(8, 4, 3), torch.randn(8, 3)]},))  # fmt: skip
class Nested(nn.Module):
    def forward(self, data: dict) -> dict:
        v, x = data["more"]
        return {"points": x + (data["scalars"][..., None] * v).sum(1), "lengths": [safe_norm(v)]}


CASES = tuple(sound.cases)
