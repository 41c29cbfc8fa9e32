"""Makes changes of grid inputs for the experiments in `grid`. Tensors on no grid stay as they are."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

from equivariance._engine.instrumentation.perturbations import Change, generator_of
from equivariance._engine.laws.grid import lattice_of
from equivariance.representations.base import Representation


def smoothed(width: float) -> Change:
    """Filters fields by a Gaussian of `width` cells and keeps their norm."""

    def change(tensor: torch.Tensor, how: Representation, _: str) -> torch.Tensor:
        lattice = lattice_of(how)
        if lattice is None:
            return tensor
        widths = [width if axis in lattice.places(tensor) else 0.0 for axis in range(tensor.dim())]
        values = tensor.detach().cpu().double()
        mode = "grid-wrap" if lattice.periodic else "nearest"
        made = torch.from_numpy(np.asarray(ndimage.gaussian_filter(values.numpy(), widths, mode=mode)))
        size = float(made.norm())
        return (made * (float(values.norm()) / size if size else 1.0)).to(tensor)

    return change


def cropped() -> Change:
    """Removes the last cell of fields along each axis."""

    def change(tensor: torch.Tensor, how: Representation, _: str) -> torch.Tensor:
        lattice = lattice_of(how)
        if lattice is not None:
            for axis in lattice.places(tensor):
                tensor = tensor.narrow(axis, 0, tensor.shape[axis] - 1)
        return tensor

    return change


def nudged() -> Change:
    """Changes the value of fields at one cell, a third along each axis."""

    def change(tensor: torch.Tensor, how: Representation, _: str) -> torch.Tensor:
        lattice = lattice_of(how)
        if lattice is None:
            return tensor
        places = lattice.places(tensor)
        cell = tuple(n // 3 if axis in places else slice(None) for axis, n in enumerate(tensor.shape))
        made = tensor.clone()
        made[cell] = made[cell] + 0.7 * tensor.double().square().mean().sqrt().to(tensor)
        return made

    return change


def replaced(seed: int) -> Change:
    """Adds noise to fields, of a third of their root mean square."""
    generator = generator_of(seed)

    def change(tensor: torch.Tensor, how: Representation, _: str) -> torch.Tensor:
        lattice = lattice_of(how)
        if lattice is None:
            return tensor
        noise = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
        return tensor + (0.3 * tensor.double().square().mean().sqrt().cpu() * noise).to(tensor)

    return change
