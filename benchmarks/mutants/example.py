"""A module with inputs, and the laws of its tensors, written by hand. Nothing of `equivariance` is imported.

The harness gets the module and the arguments only. The laws are for `plain`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

EVERYTHING = ("translation", "rotation", "inversion", "permutation", "batch")


@dataclass(frozen=True)
class Law:
    """The rule by which a tensor transforms.

    Attributes:
        irreps: Irreps of the axis `axis` in e3nn's notation, up to l = 2, or "" for an axis that stays.
        point: True for positions, x R^T + t. If there are further irreps, the first three entries are the position.
        axis: The axis of the components.
        nodes: The axis or axes that list nodes.
        edges: The axis that lists edges.
        samples: The axis that lists samples.
        counts: "nodes" or "samples" if the whole numbers of the tensor number these.
    """

    irreps: str = ""
    point: bool = False
    axis: int = -1
    nodes: int | tuple[int, ...] | None = None
    edges: int | None = None
    samples: int | None = None
    counts: str = ""


@dataclass(frozen=True)
class Example:
    """One module, as a user of its library calls it.

    Attributes:
        make: Makes the module, in the default dtype.
        tensors: Name to tensor, all that the arguments are made of, in float32.
        laws: Name to law, for the same names.
        results: One law for each tensor that `unpack` returns.
        pack: Tensors to the arguments of the call. As a rule, every tensor is an argument.
        unpack: The result of the call to tensors.
        keywords: The names of the tensors that are keyword arguments.
        symmetries: The symmetries that the module claims.
        modes: The modes in which it claims them.
        components: The lengths of axes that hold components of irreps other than scalars. They choose where components
            are changed.
        built_in: The dtype in which the module is built for the comparison in float64, for libraries that cannot be
            built in float64. The module is cast, and runs with float64 as the default.
    """

    make: Callable[[], nn.Module]
    tensors: dict[str, Tensor]
    laws: dict[str, Law]
    results: tuple[Law, ...]
    pack: Callable[[dict[str, Tensor]], tuple[Any, ...]] | None = None
    unpack: Callable[[Any], tuple[Tensor, ...]] = field(default=lambda found: (found,))
    keywords: tuple[str, ...] = ()
    symmetries: tuple[str, ...] = EVERYTHING
    modes: tuple[str, ...] = ("eval", "train")
    components: tuple[int, ...] = (3,)
    built_in: torch.dtype = torch.float64

    def arguments(self, tensors: dict[str, Tensor]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Returns the positional and the keyword arguments of the call."""
        if self.pack is not None:
            return self.pack(tensors), {}
        positional = tuple(value for name, value in tensors.items() if name not in self.keywords)
        return positional, {name: tensors[name] for name in self.keywords}

    def lengths(self) -> frozenset[int]:
        """Returns the lengths of the axes of the inputs that list nodes or edges."""
        axes = {
            self.tensors[name].shape[axis]
            for name, law in self.laws.items()
            for given in (law.nodes, law.edges)
            for axis in (given if isinstance(given, tuple) else () if given is None else (given,))
        }
        return frozenset(axes)
