"""Angular basis of the published network: its convention, and the check it runs in every forward pass."""

from __future__ import annotations

import math

import torch
from e3nn import o3
from torch import Tensor, nn

from se3unet.geometry.so3 import norm_and_direction, wigner_3j
from se3unet.layers.dense.basis import KernelBasis
from se3unet.layers.dense.kernel import Basis

MAX_DEGREE = 2

# The published basis has e3nn's components. Per pair (i, o) and frequency J it differs by a sign, which its singular
# value decomposition left arbitrary, and by a factor (integral normalization of the harmonics).
_SIGNS = {
    (0, 0): (1,),
    (0, 1): (1,),
    (0, 2): (-1,),
    (1, 0): (1,),
    (1, 1): (1, -1, 1),
    (1, 2): (-1, -1, -1),
    (2, 0): (-1,),
    (2, 1): (-1, 1, 1),
    (2, 2): (1, -1, -1, -1, -1),
}


class PublishedBasis(nn.Module):
    """Kernel basis in the convention of the published weights: every K_J has Frobenius norm 1 / sqrt(4 pi)."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels = KernelBasis(MAX_DEGREE)

    def forward(self, vectors: Tensor) -> Basis:
        """Maps edge vectors [E, 3] to [E, 2o+1, 2i+1, F] per pair (i, o) of degrees 0..2."""
        basis = self.kernels(vectors)
        return {pair: kernels * self._factors(pair, kernels) for pair, kernels in basis.items()}

    @staticmethod
    def _factors(pair: tuple[int, int], kernels: Tensor) -> Tensor:
        scale = 1 / math.sqrt(4 * math.pi * (2 * pair[1] + 1))
        return kernels.new_tensor([sign * scale for sign in _SIGNS[pair]])


class SelfCheck(nn.Module):
    """Checks the coupling of degrees under a random rotation. Defect: the check has side effects.

    It switches the default dtype to float64 while it runs and draws from the global random number generator.
    """

    def forward(self) -> None:
        """Compares 3j symbols with rotated 3j symbols.

        Raises:
            ArithmeticError: If a symbol is not invariant.
        """
        previous = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            alpha, beta, gamma = 2 * math.pi * torch.rand(3)
            rotations = [o3.wigner_D(degree, alpha, beta, gamma) for degree in range(2 * MAX_DEGREE + 1)]
            for i in range(MAX_DEGREE + 1):
                for o in range(MAX_DEGREE + 1):
                    for frequency in range(abs(i - o), i + o + 1):
                        self._check(i, o, frequency, rotations)
        finally:
            torch.set_default_dtype(previous)

    @staticmethod
    def _check(i: int, o: int, frequency: int, rotations: list[Tensor]) -> None:
        symbol = wigner_3j(i, o, frequency)
        turned = torch.einsum("ia,ob,jc,abc->ioj", rotations[i], rotations[o], rotations[frequency], symbol)
        if not torch.allclose(turned, symbol):
            raise ArithmeticError(f"3j symbol of degrees {i}, {o}, {frequency}: expected an invariant tensor")


class Geometry(nn.Module):
    """Lengths and angular basis of edge vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.selfcheck = SelfCheck()
        self.basis = PublishedBasis()

    def forward(self, vectors: Tensor) -> tuple[Tensor, Basis]:
        """Maps edge vectors [E, 3] to lengths [E, 1] and the basis [E, 2o+1, 2i+1, F] per pair (i, o)."""
        self.selfcheck()
        lengths, _ = norm_and_direction(vectors)
        return lengths, self.basis(vectors)
