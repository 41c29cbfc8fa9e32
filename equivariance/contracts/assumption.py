"""What is assumed of one tensor: its law and its axes, the evidence, and how each of them is known.

Made by `contracts.assumptions`, the adapters and `_engine.inference`; read by reports. The module guesses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

import torch

from equivariance.groups.named import Symmetry
from equivariance.representations.axes import Assumed, Concatenated, NodeAxis
from equivariance.representations.base import Representation
from equivariance.representations.cartesian_tensor import CartesianTensor
from equivariance.representations.formatting import in_words
from equivariance.representations.irreps import Irreps
from equivariance.representations.standard import CartesianPoints

Path = tuple[str | int, ...]
"""The name of a parameter, then keys and fields."""


class How(StrEnum):
    """How the law or an axis of a tensor is known."""

    DECLARED = "declared"
    READ_OFF = "read off"
    BY_NAME = "assumed by name"
    BY_SHAPE = "assumed by shape"
    BY_RUNS = "decided by runs"

    @property
    def is_doubtful(self) -> bool:
        """True if the tensor may be read in another way."""
        return self is How.BY_SHAPE


@dataclass(frozen=True)
class Basis:
    """How the law, the node axis and the sample axis of one tensor are known."""

    law: How = How.BY_NAME
    nodes: How = How.BY_SHAPE
    samples: How = How.BY_SHAPE


@dataclass(frozen=True)
class Follows:
    """The law of a tensor follows from the law of another one.

    Attributes:
        path: The place of the other tensor.
        differences: True if the rows are differences of rows of the other tensor. False if both are of one kind.
    """

    path: Path
    differences: bool

    def law(self, of: Representation) -> Representation:
        """Returns the law, from the law of the other tensor."""
        if not self.differences or not isinstance(of, CartesianPoints):
            return of
        return Irreps("1x1o") if of.axis == -1 else CartesianTensor((of.axis,))


@dataclass(frozen=True)
class Assumption:
    """The representation that is assumed for one tensor.

    Attributes:
        path: The place of the tensor: the name of the parameter, then keys and fields.
        shape: The shape of the tensor.
        representation: The assumed representation.
        why: The evidence, in words.
        value: The tensor.
        asked: True if no evidence shows yet how the tensor transforms.
        laws: The laws that are tried if it is asked, the likeliest first.
        follows: The tensor whose law decides the law of this one; None if there is none.
        basis: How the law and the axes are known.
    """

    path: Path
    shape: tuple[int, ...]
    representation: Representation
    why: str
    value: torch.Tensor = field(compare=False, repr=False)
    asked: bool = False
    laws: tuple[Representation, ...] = ()
    follows: Follows | None = None
    basis: Basis = Basis()

    @property
    def place(self) -> str:
        """The path in the notation of a report."""
        return place_of(self.path)

    def __str__(self) -> str:
        """Returns one line: place, shape, law, axes, evidence."""
        return f"{self.place} {list(self.shape)}: {in_words(self.representation)} ({self.why})"

    def with_law(self, law: Representation) -> Assumption:
        """Returns the assumption with another law and the same axes."""
        old = self.representation
        return replace(self, representation=replace(law, nodes=old.nodes, batch=old.batch))

    def with_axes_read_off(self) -> Assumption:
        """Returns the assumption of a tensor whose container states its axes."""
        return replace(self, basis=replace(self.basis, nodes=How.READ_OFF, samples=How.READ_OFF))

    def doubt(self, symmetry: str) -> str:
        """Returns what a verdict on `symmetry` rests on and what could be otherwise, in words; "" if nothing could."""
        here, law = f"{self.place} {list(self.shape)}", self.representation
        if symmetry == Symmetry.PERMUTATION and self.basis.nodes.is_doubtful:
            return _about_axis(here, "nodes", law.nodes, self.value)
        if symmetry == Symmetry.BATCH and self.basis.samples.is_doubtful:
            batch = law.batch.axis if isinstance(law.batch, Concatenated) else law.batch
            return _about_axis(here, "samples", batch, self.value)
        if symmetry in (s.value for s in Symmetry if s.is_motion) and self.basis.law.is_doubtful:
            return f"{here} is {in_words(replace(law, nodes=None, batch=None))}"
        return ""


def place_of(path: Path) -> str:
    """Returns a path in the notation of a report."""
    return f"{path[0]}" + "".join(f"[{step!r}]" for step in path[1:])


def doubts(assumptions: Iterable[Assumption], symmetry: str) -> tuple[str, ...]:
    """Returns the assumptions that a verdict on `symmetry` rests on and that a person could doubt, in words.

    For example `points [4, 3, 40] lists nodes on axis 2`. Assumptions that a module or the data state, or that runs
    decided, are left out.
    """
    return tuple(filter(None, (assumption.doubt(symmetry) for assumption in assumptions)))


def _about_axis(here: str, what: str, axis: NodeAxis, tensor: torch.Tensor) -> str:
    number = 0 if isinstance(axis, Assumed) and tensor.dim() else axis
    return f"{here} lists {what} on axis {number}" if isinstance(number, int) else ""
