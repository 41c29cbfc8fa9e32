"""Makes a case of a class of modules, by one line above it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.defects.case import Case, Example

NODES = 8
POINTS = "cartesian_points"
FULL = ("e3", "permutation")
PROPER = ("se3", "permutation")


def drawn(spec: object) -> Tensor:
    """An input that fits a representation: points [N, 3], four channels of an irrep [N, 4, 2l+1], or scalars [N, 4]."""
    if spec is None:
        return torch.randn(NODES, 4)
    sizes = {POINTS: (3,), "1x1o": (4, 3), "1x1e": (4, 3), "1x2e": (4, 5)}
    return torch.randn(NODES, *sizes[str(spec)])


class Sound:
    """Collects the cases of one file."""

    def __init__(self, style: str) -> None:
        self.style, self.cases = style, list[Case]()

    def __call__(
        self, name: str, irreps_in: tuple[object, ...], irreps_out: object, groups: tuple[str, ...] = FULL,
        args: Callable[[], tuple[Tensor, ...]] | None = None,
    ) -> Callable[[type[nn.Module]], type[nn.Module]]:  # fmt: skip
        """Register the class below under a name; its inputs are drawn to fit unless ``args`` makes them."""

        def register(module: type[nn.Module]) -> type[nn.Module]:
            def build() -> Example:
                given = args() if args else tuple(map(drawn, irreps_in))
                return Example(module(), given, irreps_in, irreps_out)

            self.cases.append(Case(name, self.style, build, groups))
            return module

        return register
