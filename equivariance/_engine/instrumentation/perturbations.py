"""What is put in place of a value: itself with last-bit noise, or itself without a known deviation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from equivariance._engine.instrumentation.hooks import LayerCall
from equivariance._engine.instrumentation.reference import Site
from equivariance.contracts.nested import UNSPECIFIED, cast, leaves, map_tensors, walk
from equivariance.representations.base import Representation
from equivariance.representations.irreps import Irreps
from equivariance.representations.standard import CartesianPoints


class RestoredRun:
    """Takes back what given sites are known to add, and lets everything else propagate.

    A deviation is the pair of what the layer made of exact inputs and what it should have made. Subtracting it, and
    not the whole error, keeps the effect of breaks further upstream.
    """

    def __init__(self, deviations: Mapping[Site, tuple[Any, Any]]) -> None:
        """`deviations`: site -> (what was made, what should have been made)."""
        self.deviations = deviations

    def enter(self, call: LayerCall, caller: LayerCall | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Repair arguments."""
        return {name: self._repair(Site(call, name), value) for name, value in arguments.items()}

    def leave(self, call: LayerCall, output: Any) -> Any:
        """Repair the output."""
        return self._repair(Site(call), output)

    def _repair(self, site: Site, value: Any) -> Any:
        if site not in self.deviations:
            return value
        made, exact = self.deviations[site]
        parts = [[t for _, t, _ in leaves(v, UNSPECIFIED)] for v in (value, made, exact)]
        shapes = [[t.shape for t in p] for p in parts]
        if shapes[0] != shapes[1] or shapes[1] != shapes[2]:
            return exact
        pairs = iter(zip(parts[1], parts[2], strict=True))
        return walk(value, UNSPECIFIED, "", lambda t, _r, _p: _take_back(t, *next(pairs)))


def with_leaf(value: Any, other: Any, path: str) -> Any:
    """`value` with the leaf at `path` taken from `other`, which is shaped alike."""
    found = {where: tensor for where, tensor, _ in leaves(other, UNSPECIFIED)}
    return walk(value, UNSPECIFIED, "", lambda t, _r, where: found.get(where, t) if where == path else t)


def with_last_bit_noise(tensor: torch.Tensor, epsilon: float, generator: torch.Generator) -> torch.Tensor:
    """A floating-point tensor with noise of `epsilon` times the largest component on its last axis."""
    if not tensor.is_floating_point() or tensor.numel() == 0:
        return tensor
    size = tensor.abs().amax(dim=-1, keepdim=True) if tensor.dim() else tensor.abs()
    return tensor + epsilon * size * noise_like(tensor, generator)


def perturbed_inputs(arguments: Mapping[str, Any], epsilon: float, generator: torch.Generator) -> dict[str, Any]:
    """Arguments in float64, every floating-point tensor `with_last_bit_noise`."""
    return {
        name: map_tensors(cast(value, torch.float64), lambda t: with_last_bit_noise(t, epsilon, generator))
        for name, value in arguments.items()
    }


def noise_like(tensor: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Normal numbers of variance 1, the same on every device and, but for rounding, in every dtype."""
    return torch.randn(tensor.shape, generator=generator, dtype=torch.float64, device="cpu").to(tensor)


def _take_back(tensor: torch.Tensor, made: torch.Tensor, exact: torch.Tensor) -> torch.Tensor:
    if tensor.is_floating_point():
        return tensor - (made - exact).to(tensor.dtype)
    return torch.where(tensor == made, exact, tensor)


Change = Callable[[torch.Tensor, Representation, str], torch.Tensor]


def turns(how: Representation) -> bool:
    """Whether the components of a tensor change under rotation."""
    return isinstance(how, CartesianPoints) or (
        isinstance(how, Irreps) and any(degree > 0 for _, degree, _ in how.blocks)
    )


def scaled(factor: float) -> Change:
    """Positions, and everything that turns, `factor` times as large."""
    return lambda t, how, _: t * factor if turns(how) and t.is_floating_point() else t


def generator_of(seed: int) -> torch.Generator:
    """A generator whose numbers are not those that an example drew from the same seed."""
    return torch.Generator().manual_seed(seed + 104_729)


def noisy(size: float, seed: int) -> Change:
    """Positions, and everything that turns, moved by normal noise, `size` times their root mean square."""
    generator = generator_of(seed)

    def change(tensor: torch.Tensor, how: Representation, _: str) -> torch.Tensor:
        if not (turns(how) and tensor.is_floating_point() and tensor.numel()):
            return tensor
        return tensor + size * float(tensor.double().square().mean().sqrt()) * noise_like(tensor, generator)

    return change
