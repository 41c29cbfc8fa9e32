"""A break to be found: a bias on the components of the features that an irreps-wise linear layer gives."""

from __future__ import annotations

import torch
from e3nn import o3


class Leaky(torch.nn.Module):
    """A linear layer that adds a number to every component of every irrep."""

    def __init__(self, linear: o3.Linear) -> None:
        """State what the layer states."""
        super().__init__()
        self.linear, self.irreps_in, self.irreps_out = linear, linear.irreps_in, linear.irreps_out

    def forward(self, features: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        """The layer's output and a half."""
        return self.linear(features, *weights) + 0.5


def leaking(module: torch.nn.Module) -> torch.nn.Module:
    """``module`` with the first linear layer that gives vectors made leaky."""
    for name, layer in module.named_modules():
        if isinstance(layer, o3.Linear) and layer.irreps_out.lmax > 0:
            parent, _, attribute = name.rpartition(".")
            setattr(module.get_submodule(parent), attribute, Leaky(layer))
            return module
    raise LookupError(f"no linear layer of vectors in {type(module).__name__}")
