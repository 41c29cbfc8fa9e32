"""Replaces values in a run: adds last-bit noise, removes a known deviation, or scales and moves inputs.

`measurement` measures rounding floors with it, `diagnosis` contributed errors, and `causes` tries changed inputs. It
compares nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from equivariance._engine.instrumentation.hooks import LayerCall
from equivariance._engine.instrumentation.operations import replace_tensors
from equivariance._engine.instrumentation.reference import Site
from equivariance.contracts.nested import UNSPECIFIED, cast, leaves, map_tensors, walk
from equivariance.representations.base import Representation
from equivariance.representations.crystals.lattice_vectors import EdgeShifts, LatticeVectors


class RestoredRun:
    """Subtracts known deviations at given sites; everything else propagates unchanged.

    A deviation is the output of a layer on exact inputs minus the output that it should have. Only this part is
    subtracted, and not the whole error, so that the effect of violations further upstream remains.
    """

    def __init__(self, deviations: Mapping[Site, tuple[Any, Any]]) -> None:
        """Creates the run.

        Args:
            deviations: Site -> (the value that was made, the value that should have been made).
        """
        self.deviations = deviations

    def enter(self, call: LayerCall, caller: LayerCall | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Restores the arguments of a call."""
        return {name: self._repair(Site(call, name), value) for name, value in arguments.items()}

    def leave(self, call: LayerCall, output: Any) -> Any:
        """Restores the output of a call."""
        return self._repair(Site(call), output)

    def _repair(self, site: Site, value: Any) -> Any:
        if site not in self.deviations:
            return value
        made, exact = self.deviations[site]
        parts = [[t for _, t, _ in leaves(v, UNSPECIFIED)] for v in (value, made, exact)]
        shapes = [[t.shape for t in p] for p in parts]
        if shapes[0] != shapes[1] or shapes[1] != shapes[2]:
            return exact
        return replace_tensors(value, list(map(_subtract_deviation, *parts)))


def with_leaf(value: Any, other: Any, path: str) -> Any:
    """Returns `value` with the leaf at `path` taken from `other`, which has the same structure."""
    found = {where: tensor for where, tensor, _ in leaves(other, UNSPECIFIED)}
    return walk(value, UNSPECIFIED, "", lambda t, _r, where: found.get(where, t) if where == path else t)


def with_last_bit_noise(tensor: torch.Tensor, epsilon: float, generator: torch.Generator) -> torch.Tensor:
    """Adds noise of `epsilon` times the largest component on the last axis; tensors of integers do not change."""
    if not tensor.is_floating_point() or tensor.numel() == 0:
        return tensor
    size = tensor.abs().amax(dim=-1, keepdim=True) if tensor.dim() else tensor.abs()
    return tensor + epsilon * size * noise_like(tensor, generator)


def perturbed_inputs(arguments: Mapping[str, Any], epsilon: float, generator: torch.Generator) -> dict[str, Any]:
    """Returns the arguments in float64, with last-bit noise on every floating-point tensor."""
    return {
        name: map_tensors(cast(value, torch.float64), lambda t: with_last_bit_noise(t, epsilon, generator))
        for name, value in arguments.items()
    }


def noise_like(tensor: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Returns normal numbers of variance 1, the same on every device and, up to rounding, in every dtype."""
    return torch.randn(tensor.shape, generator=generator, dtype=torch.float64, device="cpu").to(tensor)


def _subtract_deviation(tensor: torch.Tensor, made: torch.Tensor, exact: torch.Tensor) -> torch.Tensor:
    if tensor.is_floating_point():
        return tensor - (made - exact).to(tensor.dtype)
    return torch.where(tensor == made, exact, tensor)


Change = Callable[[torch.Tensor, Representation, str], torch.Tensor]
"""Returns the changed tensor, given the tensor, its representation and its path."""


def scaled(factor: float) -> Change:
    """Returns a change that multiplies positions and all rotating tensors by `factor`."""
    return lambda t, how, _: t * factor if how.turns and t.is_floating_point() else t


def generator_of(seed: int) -> torch.Generator:
    """Returns a generator whose numbers differ from the numbers that an example draws from the same seed."""
    return torch.Generator().manual_seed(seed + 104_729)


def noisy(size: float, seed: int) -> Change:
    """Returns a change that adds normal noise to positions and all rotating tensors.

    The noise has the standard deviation `size` times the root mean square of the tensor.
    """
    everywhere = noisy_everywhere(size, seed)
    return lambda tensor, how, path: everywhere(tensor, how, path) if how.turns else tensor


def noisy_everywhere(size: float, seed: int, of_zero: float = 0.0) -> Change:
    """Returns a change that adds normal noise to all floating-point tensors, as `noisy` does to some.

    Lattice vectors and shifts of edges stay: a node that is moved by a lattice vector must meet the same lattice.

    Args:
        size: The standard deviation of the noise, relative to the root mean square of each tensor.
        seed: The seed of the noise.
        of_zero: Takes the place of a root mean square of zero.
    """
    generator = generator_of(seed)

    def change(tensor: torch.Tensor, how: Representation, _: str) -> torch.Tensor:
        fixed = isinstance(how, (LatticeVectors, EdgeShifts))
        if fixed or not (tensor.is_floating_point() and tensor.numel()):
            return tensor
        scale = float(tensor.double().square().mean().sqrt()) or of_zero
        return tensor + size * scale * noise_like(tensor, generator)

    return change
