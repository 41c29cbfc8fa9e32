"""The assumption about one tensor: its law and its axes, the evidence, and the source of each of them.

Made by `contracts.assumptions`, the adapters and `_engine.inference`; read by reports. The module guesses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import torch

from equivariance.contracts.field_names import SHIFTS, names_cells, plain
from equivariance.contracts.sample_lists import EACH
from equivariance.groups.named import Symmetry
from equivariance.representations.axes import Assumed, Concatenated, NodeAxis
from equivariance.representations.base import Representation
from equivariance.representations.cartesian_tensor import CartesianTensor
from equivariance.representations.formatting import in_words
from equivariance.representations.irreps import Irreps
from equivariance.representations.standard import CartesianPoints, Invariant, NodeIndices

Path = tuple[str | int, ...]
"""The name of a parameter, then keys and fields."""


class How(StrEnum):
    """The source of the law or of an axis of a tensor."""

    DECLARED = "declared"
    READ_OFF = "read off"
    BY_NAME = "assumed by name"
    BY_SHAPE = "assumed by shape"
    BY_LENGTH = "as long as an axis that is read off"
    BY_RUNS = "decided by runs"


@dataclass(frozen=True)
class Grounds:
    """The sources of the law, the node axis and the sample axis of one tensor."""

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
        grounds: How the law and the axes are known.
        unknown_under: The symmetries under which no known law fits.
        has_lawful_rival: True if the output obeys its law only in another reading of the axes, which is less likely.
    """

    path: Path
    shape: tuple[int, ...]
    representation: Representation
    why: str
    value: torch.Tensor = field(compare=False, repr=False)
    asked: bool = False
    laws: tuple[Representation, ...] = ()
    follows: Follows | None = None
    grounds: Grounds = Grounds()
    unknown_under: tuple[str, ...] = ()
    has_lawful_rival: bool = False

    @property
    def place(self) -> str:
        """The path in the notation of a report."""
        return place_of(self.path)

    def __str__(self) -> str:
        """Returns one line: place, shape, law, axes, evidence."""
        return f"{self.place} {list(self.shape)}: {in_words(self.representation)} ({self.why})"

    def with_law(self, law: Representation) -> Assumption:
        """Returns the assumption with another law and the same axes."""
        return replace(self, representation=law.placed_like(self.representation))

    def with_axes_read_off(self) -> Assumption:
        """Returns the assumption of a tensor whose container states its axes."""
        return replace(self, grounds=replace(self.grounds, nodes=How.READ_OFF, samples=How.READ_OFF))

    def doubts(self, symmetry: str) -> list[str]:
        """Returns what a person could doubt of this assumption under one symmetry, one phrase each.

        Names prove nothing; values and runs do.
        """
        here, law = f"{self.place} {list(self.shape)}", self.representation
        if symmetry == Symmetry.PERMUTATION:
            return _about_axis(here, "nodes", law.nodes) if self._has_doubtful_axis(self.grounds.nodes) else []
        if symmetry == Symmetry.BATCH:
            batch = law.batch.axis if isinstance(law.batch, Concatenated) else law.batch
            return _about_axis(here, "samples", batch) if self._has_doubtful_axis(self.grounds.samples) else []
        name = str(self.path[-1])
        if symmetry == Symmetry.LATTICE and plain(name) in SHIFTS:
            return []  # their values show what they are
        if symmetry == Symmetry.LATTICE and names_cells(name):
            return [f"{here} lists lattice vectors as rows"] if self.grounds.law is How.BY_NAME else []
        if self.asked:
            return [f"{here} does not move"]
        moves = not isinstance(law, Invariant) and self.grounds.law in (How.BY_NAME, How.BY_SHAPE)
        return [f"{here} is {in_words(law.bare)}"] if moves else []

    @property
    def guesses_samples(self) -> bool:
        """True for sample numbers that neither a name nor a container states."""
        law = self.representation
        return isinstance(law, NodeIndices) and not law.permuted and self.grounds.law is How.BY_SHAPE

    def _has_doubtful_axis(self, how: How) -> bool:
        """True if another axis may be meant: points [N, 3] list nothing but points."""
        only = isinstance(self.representation, CartesianPoints) and len(self.shape) == 2
        return how is How.BY_SHAPE and len(self.shape) > 0 and not only


def place_of(path: Path) -> str:
    """Returns a path in the notation of a report."""
    return f"{path[0]}" + "".join("[i]" if step == EACH else f"[{step!r}]" for step in path[1:])


def doubts(assumptions: Sequence[Assumption], symmetry: str) -> tuple[str, ...]:
    """Returns the assumptions that a verdict on `symmetry` rests on and that a person could doubt, in words.

    For example `points [4, 3, 40] lists nodes on axis 2`. Assumptions that a module or the data state, or that runs
    decided, are left out. Axes are told of the leading tensor only: those of the others follow from their lengths.
    """
    if not Symmetry(symmetry).is_reordering:
        return tuple(words for a in assumptions for words in a.doubts(symmetry))
    lead = leading(assumptions)
    found = [] if lead is None else lead.doubts(symmetry)
    found += [f"{a.place} {list(a.shape)} numbers the samples" for a in assumptions if a.guesses_samples]
    if symmetry == Symmetry.PERMUTATION:
        pairs = (a for a in assumptions if a.representation.pairs is not None and a.grounds.nodes is How.BY_SHAPE)
        found += [f"{a.place} {list(a.shape)} lists pairs of nodes" for a in pairs]
        rivals = [a for a in assumptions if a.has_lawful_rival and a is not lead]
        found += [words for a in rivals for words in a.doubts(symmetry)]
    return tuple(found)


def leading(assumptions: Iterable[Assumption]) -> Assumption | None:
    """Returns the tensor whose axes decide those of the others: positions, else what moves, else the first numbers."""
    floats = [a for a in assumptions if a.value.is_floating_point() and a.shape]
    points = (a for a in floats if isinstance(a.representation, CartesianPoints))
    moving = (a for a in floats if a.asked or not isinstance(a.representation, Invariant))
    return next(points, None) or next(moving, None) or next(iter(floats), None)


def _about_axis(here: str, what: str, axis: NodeAxis) -> list[str]:
    number = 0 if isinstance(axis, Assumed) else axis
    return [f"{here} lists {what} on axis {number}"] if isinstance(number, int) else []
