"""Linear algebra whose factors depend on the frame, used so that the result does not."""

from __future__ import annotations

import torch
from e3nn import o3
from torch import Tensor, nn

from benchmarks.defects.parts import mlp, safe_norm
from benchmarks.defects.sound.register import POINTS, PROPER, Sound
from benchmarks.defects.styles.frames import spanned

sound = Sound("algebra")


@sound("principal-axes-squared", (POINTS,), None)
class PrincipalAxes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = mlp(3, 4, 4)

    def forward(self, x: Tensor) -> Tensor:
        r = x - x.mean(0)
        axes = torch.linalg.eigh(r.T @ r)[1]
        return self.net((r @ axes).square())


@sound("averaged-over-frames", (POINTS,), "1x1o")
class FrameAveraging(nn.Module):
    """A network of the coordinates, averaged over all signs of the principal axes."""

    def __init__(self) -> None:
        super().__init__()
        self.net = mlp(3, 6, 3)

    def forward(self, x: Tensor) -> Tensor:
        r = x - x.mean(0)
        axes = torch.linalg.eigh(r.T @ r)[1]
        signs = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 3).to(x)
        frames = axes * signs[:, None]
        return (self.net(r @ frames) @ frames.mT).mean(0)


@sound("singular-values", ("1x1o",), None)
class SingularValues(nn.Module):
    def forward(self, v: Tensor) -> Tensor:
        return torch.linalg.svd(v)[1].log1p()


@sound("kabsch", ("1x1o", "1x1o"), "1x1o")
class Kabsch(nn.Module):
    """The rotation that brings one set of vectors closest to the other, applied to the first."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        left, _, right = torch.linalg.svd(a.mT @ b)
        ones = torch.ones_like(left[:, 0])
        sign = torch.linalg.det(left @ right).sign()
        ones = torch.cat([ones[:, :2], sign[:, None]], -1)
        return a @ (left * ones[:, None]) @ right


@sound("triangular-factor", ("1x1o",), None)
class TriangularFactor(nn.Module):
    def forward(self, v: Tensor) -> Tensor:
        return torch.linalg.qr(v.mT)[1].abs().flatten(1)


@sound("projected-by-qr", ("1x1o",), "1x1o")
class Projected(nn.Module):
    def forward(self, v: Tensor) -> Tensor:
        basis = torch.linalg.qr(v[:, :2].mT)[0]
        return v @ basis @ basis.mT


@sound("solved-by-inertia", ("1x1o",), "1x1o")
class Solved(nn.Module):
    def forward(self, v: Tensor) -> Tensor:
        inertia = v.mT @ v + v.square().sum((1, 2))[:, None, None] * torch.eye(3).to(v)
        return torch.linalg.solve(inertia, v.mT).mT


@sound("inverse-square-root", ("1x1o",), "1x1o")
class Whitened(nn.Module):
    def forward(self, v: Tensor) -> Tensor:
        values, axes = torch.linalg.eigh(v.mT @ v)
        return v @ (axes * (values + 0.5).rsqrt()[:, None]) @ axes.mT


@sound("matrix-exponential", ("1x1o",), "1x1o")
class Exponential(nn.Module):
    def forward(self, v: Tensor) -> Tensor:
        return v @ torch.linalg.matrix_exp(-0.2 * v.mT @ v)


@sound("cholesky-of-products", ("1x1o",), None)
class CholeskyFactor(nn.Module):
    def forward(self, v: Tensor) -> Tensor:
        products = v @ v.mT + torch.eye(4).to(v)
        return torch.linalg.cholesky(products).flatten(1)


@sound("absolute-determinant", ("1x1o",), None)
class Determinant(nn.Module):
    def forward(self, v: Tensor) -> Tensor:
        return torch.linalg.det(v[:, :3]).abs()


@sound("attention-on-inner-products", ("1x1o",), "1x1o")
class InnerProducts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = mlp(16, 8, 16)

    def forward(self, v: Tensor) -> Tensor:
        logits = self.net((v @ v.mT).flatten(1)).unflatten(1, (4, 4))
        return logits.softmax(-1) @ v


@sound("wigner-matrices", ("1x2e", "1x1o"), "1x2e", PROPER)
class Wigner(nn.Module):
    """Features of degree 2 turned into a local frame by their Wigner matrix, and back."""

    def __init__(self) -> None:
        super().__init__()
        self.net = mlp(5, 6, 5)
        self.register_buffer("symmetric", 5**0.5 * o3.wigner_3j(2, 1, 1, dtype=torch.get_default_dtype()))

    def forward(self, f: Tensor, v: Tensor) -> Tensor:
        frames = spanned(v[:, 0], v[:, 1])
        turn = torch.einsum("axy,nxu,nyv,buv->nab", self.symmetric, frames, frames, self.symmetric)
        local = torch.einsum("nab,ncb->nca", turn, f)
        return torch.einsum("nab,nca->ncb", turn, self.net(local))


@sound("power-spectrum", (POINTS,), None)
class PowerSpectrum(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        edges = x[:, None] - x
        density = o3.spherical_harmonics([1, 2, 3], edges / (1 + safe_norm(edges, True)), normalize=False).sum(1)
        return torch.stack([block.square().sum(-1) for block in density.split((3, 5, 7), -1)], -1)


@sound("wigner-3j-by-hand", ("1x2e", "1x1o"), "1x1o")
class Coupled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("coupling", o3.wigner_3j(2, 1, 1, dtype=torch.get_default_dtype()))

    def forward(self, f: Tensor, v: Tensor) -> Tensor:
        made = (f[..., :, None, None] * v[..., None, :, None] * self.coupling).flatten(-3)
        return made.unflatten(-1, (15, 3)).sum(-2)


CASES = tuple(sound.cases)
