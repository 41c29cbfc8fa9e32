"""Forces: the gradients of what is invariant with respect to what is put in, and how they must transform.

The gradient of an invariant with respect to positions transforms as vectors, whatever the network; with respect to a
tensor of irreps as these irreps. Automatic differentiation keeps that by itself; a backward that somebody wrote need not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from equivariance.errors import ArgumentError
from equivariance.findings import Finding
from equivariance.probe import call_with
from equivariance.representations import CartesianPoints, Invariant, Irreps, NodeIndices, Representation
from equivariance.trees import UNSPECIFIED, leaves, walk

_INNER = "network"


class Differentiated(torch.nn.Module):
    """A network whose output is the gradient of the sum of its invariant outputs, for each input that has one.

    Parameters
    ----------
    network : the network
    output : representations of its output
    """

    def __init__(self, network: torch.nn.Module, output: object) -> None:
        """Hold the network as a submodule."""
        super().__init__()
        self.network, self.output = network, output

    def forward(self, arguments: dict[str, Any]) -> dict[str, torch.Tensor]:
        """Path of each floating-point input -> gradient, of its shape; zeros where the output does not depend on it."""
        inputs: dict[str, torch.Tensor] = {}

        def watch(tensor: torch.Tensor, _: Representation, path: str) -> torch.Tensor:
            if not tensor.is_floating_point():
                return tensor
            inputs[path] = tensor.detach().requires_grad_()
            return inputs[path]

        with torch.enable_grad():
            watched = walk(arguments, UNSPECIFIED, "", watch)
            made = call_with(self.network, watched)
            energy = sum(t.sum() for _, t, r in leaves(made, self.output) if _is_energy(t, r))
            found = torch.autograd.grad(energy, list(inputs.values()), materialize_grads=True)
        return dict(zip(inputs, found, strict=True))


def gradient_specs(arguments: Mapping[str, Any], specs: Mapping[str, object], output: Any, spec: object) -> object:
    """Representations of the gradients by path.

    Raises
    ------
    ArgumentError : no output is invariant and differentiable
    """
    if not any(_is_energy(t, r) for _, t, r in leaves(output, spec)):
        raise ArgumentError("gradients", True, "an output that is invariant, declared so (None or 0e), to differentiate")
    found = leaves(dict(arguments), dict(specs))
    return {path: _gradient_of(r) for path, t, r in found if t.is_floating_point()}


def of_backward(findings: list[Finding]) -> list[Finding]:
    """Findings of a differentiated network in the words of the network itself."""
    return [
        replace(
            f,
            layer=f.layer.removeprefix(_INNER).removeprefix("."),
            part=f"gradient with respect to {f.part.removeprefix('output')}",
            evidence=f"in the backward pass: {f.evidence}",
        )
        for f in findings
    ]


def _is_energy(tensor: torch.Tensor, representation: Representation) -> bool:
    """Whether a tensor is made of invariants that a gradient can be taken of."""
    scalars = isinstance(representation, Irreps) and all(degree == 0 and p > 0 for _, degree, p in representation.blocks)
    invariant = isinstance(representation, Invariant) and not isinstance(representation, NodeIndices)
    return tensor.is_floating_point() and tensor.requires_grad and (scalars or invariant)


def _gradient_of(representation: Representation) -> Representation:
    if isinstance(representation, CartesianPoints):
        return Irreps(irreps="1x1o", nodes=representation.nodes, batch=representation.batch)
    return representation
