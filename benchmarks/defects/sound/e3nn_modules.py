"""Modules of e3nn: compiled tensor products, gates, normalizations, activations on a sphere."""

from __future__ import annotations

import torch
from e3nn import nn as enn
from e3nn import o3
from torch import Tensor, nn

from benchmarks.defects.parts import mlp, safe_norm
from benchmarks.defects.sound.register import NODES, POINTS, Sound

sound = Sound("e3nn modules")
MIXED = "3x0e+2x1o+1x2e"


def features() -> tuple[Tensor, ...]:
    return (torch.randn(NODES, 14),)


def two_features() -> tuple[Tensor, ...]:
    return torch.randn(NODES, 14), torch.randn(NODES, 14)


@sound("fully-connected-product", (MIXED, MIXED), MIXED, args=two_features)
class Product(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.product = o3.FullyConnectedTensorProduct(MIXED, MIXED, MIXED)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.product(a, b)


@sound("square-and-linear", (MIXED,), MIXED, args=features)
class Square(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.square = o3.TensorSquare(MIXED)
        self.linear = o3.Linear(self.square.irreps_out, MIXED)

    def forward(self, a: Tensor) -> Tensor:
        return a + self.linear(self.square(a))


@sound("linear-with-biases", (MIXED,), MIXED, args=features)
class Biased(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = o3.Linear(MIXED, MIXED, biases=True)
        self.second = o3.Linear(MIXED, MIXED, biases=True)

    def forward(self, a: Tensor) -> Tensor:
        return self.second(self.first(a))


@sound("gated", (MIXED,), MIXED, args=features)
class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate = enn.Gate("3x0e", [torch.tanh], "3x0e", [torch.sigmoid], "2x1o+1x2e")
        self.linear = o3.Linear(MIXED, self.gate.irreps_in)

    def forward(self, a: Tensor) -> Tensor:
        return self.gate(self.linear(a))


@sound("batch-normalized", (MIXED,), MIXED, args=features)
class BatchNormalized(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear, self.norm = o3.Linear(MIXED, MIXED), enn.BatchNorm(MIXED)

    def forward(self, a: Tensor) -> Tensor:
        return self.norm(self.linear(a))


@sound("norm-activated", (MIXED,), MIXED, args=features)
class NormActivated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear, self.activation = (
            o3.Linear(MIXED, MIXED),
            enn.NormActivation(o3.Irreps(MIXED), torch.sigmoid, bias=True),
        )

    def forward(self, a: Tensor) -> Tensor:
        return self.activation(self.linear(a))


@sound("activated-on-a-fine-sphere", ("1x0e+1x1o+1x2e",), "1x0e+1x1o+1x2e", args=lambda: (torch.randn(NODES, 9),))
class OnSphere(nn.Module):
    """The square of a signal has degrees up to 4, which the grid resolves together with the harmonics."""

    def __init__(self) -> None:
        super().__init__()
        self.sphere = enn.S2Activation("1x0e+1x1o+1x2e", torch.square, 16, normalization="component")

    def forward(self, a: Tensor) -> Tensor:
        return self.sphere(a)


@sound("odd-scalars", ("2x0o+1x1o",), "2x0o+1x1o", args=lambda: (torch.randn(NODES, 5),))
class OddScalars(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.activation = enn.Activation("2x0o+1x1o", [torch.tanh, None])

    def forward(self, a: Tensor) -> Tensor:
        return self.activation(a)


@sound("norms-extracted", (MIXED,), "6x0e", args=features)
class Norms(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = o3.Norm(MIXED)

    def forward(self, a: Tensor) -> Tensor:
        return self.norm(a)


@sound("point-convolution", (MIXED, POINTS), MIXED, args=lambda: (torch.randn(NODES, 14), torch.randn(NODES, 3)))
class PointConvolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.harmonics = o3.SphericalHarmonics("0e+1o+2e", normalize=True, normalization="component")
        self.product = o3.FullyConnectedTensorProduct(MIXED, "0e+1o+2e", MIXED, shared_weights=False)
        self.radial = mlp(1, 4, self.product.weight_numel)

    def forward(self, a: Tensor, x: Tensor) -> Tensor:
        target, source = (~torch.eye(len(x), dtype=torch.bool, device=x.device)).nonzero(as_tuple=True)
        between = x[source] - x[target]
        weights = self.radial(safe_norm(between, True))
        messages = self.product(a[source], self.harmonics(between), weights)
        return torch.zeros_like(a).index_add(0, target, messages) / len(x)


@sound("full-product-of-vectors", ("2x1o", "1x1o"), "2x0e+2x1e+2x2e",
       args=lambda: (torch.randn(NODES, 6), torch.randn(NODES, 3)))  # fmt: skip
class FullProduct(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.product = o3.FullTensorProduct("2x1o", "1x1o")

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.product(a, b)


CASES = tuple(sound.cases)
