"""Explains a statement at fault from the values that it reads and makes, in recordings of the call.

`rotation` calls it if experiments with the whole call name no mechanism. A value that the statement reads counts as
rows of components if it turns exactly under all recorded elements. `row_maps` and `added_rows` find out what was made
of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from equivariance._engine.causes.components.added_rows import explain_added_rows
from equivariance._engine.causes.components.row_maps import Rows, explain_norm, explain_row_map
from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explanation import Explanation, explained
from equivariance._engine.causes.fixed_axes import ORDINARY
from equivariance._engine.causes.operation_words import NONLINEAR, NORMALIZING
from equivariance._engine.instrumentation.operations import Operation
from equivariance._engine.instrumentation.perturbations import noisy_everywhere
from equivariance._engine.instrumentation.tape import Tape
from equivariance._engine.laws.forms import IrrepLaw
from equivariance._engine.localization.slicing import divergence
from equivariance.groups.elements import Transform

_MOST_VALUES = 40
"""Largest number of values of a statement that are compared."""

_MOST_ENTRIES = 1_000_000
"""Largest number of entries of a value that is compared."""

_TURNS = 1e-9
"""Relative distance of two values that are equal up to rounding in float64."""

Axis = tuple[int, tuple[int, ...]]
"""An axis of components, and the degrees of the irreps on it."""


@dataclass(frozen=True)
class StatementValues:
    """The recordings of a call with one control flow, and the operations of the statement at fault.

    Attributes:
        tapes: The recording without a transformation, then one for each of `elements`.
        elements: The elements, without the identity.
        events: The operations of the statement, in order.
        laws: Number of a value that the statement makes -> the law by which it should transform.
    """

    tapes: tuple[Tape, ...]
    elements: tuple[Transform, ...]
    events: tuple[Operation, ...]
    laws: dict[int, IrrepLaw]

    def values(self, number: int) -> list[Tensor]:
        """Returns a value in all recordings, float64 on the CPU."""
        return [tape.values[number].detach().cpu().double() for tape in self.tapes]

    @property
    def made(self) -> list[int]:
        """Numbers of the values that the statement makes, in order."""
        return [n for event in self.events for n in event.writes if self._is_comparable(n)][:_MOST_VALUES]

    @property
    def turning(self) -> Iterator[tuple[int, Axis]]:
        """Yields the values that the statement reads or makes and that turn exactly, each with its axis."""
        numbers = dict.fromkeys(n for event in self.events for n in (*event.reads, *event.writes))
        for number in list(numbers)[:_MOST_VALUES]:
            if self._is_comparable(number):
                yield from ((number, axis) for axis in self._axes(number) if self._turns(number, axis))

    def _is_comparable(self, number: int) -> bool:
        value = self.tapes[0].values[number]
        return value.is_floating_point() and value.dim() > 0 and 0 < value.numel() <= _MOST_ENTRIES

    def _axes(self, number: int) -> list[Axis]:
        """Returns the axes that may hold components: of length 3 or 5, or as in the laws of the statement."""
        shape = self.tapes[0].values[number].shape
        known = dict.fromkeys(axis for law in self.laws.values() for axis in law.axes)
        fitting = [(a, d) for a, d in known if a < len(shape) and shape[a] == sum(2 * k + 1 for k in d) and any(d)]
        lengths = {3: (1,), 5: (2,)}
        return list(dict.fromkeys([*fitting, *((a, lengths[n]) for a, n in enumerate(shape) if n in lengths)]))

    def _turns(self, number: int, axis: Axis) -> bool:
        plain, *others = self.values(number)
        law = IrrepLaw((axis,))
        wanted = [law.apply(plain, element) for element in self.elements]
        moved = any(float((w - plain).norm()) > _TURNS * float(plain.norm()) for w in wanted)
        return moved and all(_is_equal(o, w) for o, w in zip(others, wanted, strict=True))


def values_of(experiment: Experiment, elements: Sequence[Transform]) -> StatementValues | None:
    """Returns the recordings of the call under elements; None if there is no statement or no recording."""
    statement = experiment.statement
    if statement is None or statement.place is None:
        return None
    tapes = [experiment.recorded(element) for element in (Transform(), *elements)]
    found = [tape for tape in tapes if tape is not None]
    if len(found) < len(tapes) or any(divergence(found[0], other) is not None for other in found[1:]):
        return None
    events = statement.events(found[0].events)
    laws = {n: law for n, law in statement.laws.items() if isinstance(law, IrrepLaw)}
    return StatementValues(tuple(found), tuple(elements), events, laws)


def explain_statement(experiment: Experiment) -> Explanation | None:
    """Returns the explanation that the values of the statement at fault support; None if there is none."""
    found = values_of(experiment, ORDINARY)
    if found is None:
        return None
    turning = list(found.turning)
    return (
        _explain_rows(found, turning, explain_row_map, _same_shape)
        or _explain_operations(found, turning, "component-normalization", NORMALIZING)
        or _explain_rows(found, turning, explain_norm, _one_number)
        or _explain_operations(found, turning, "component-nonlinearity", NONLINEAR)
        or _explain_added(experiment, found, turning)
    )


def _explain_rows(
    found: StatementValues,
    turning: Sequence[tuple[int, Axis]],
    explain: Callable[[Sequence[Rows], str, str], Explanation | None],
    rows_of_pair: Callable[[Tensor, Tensor, Axis], Iterator[Rows]],
) -> Explanation | None:
    """Returns the explanation by what was made of the rows of a value that turns; later values first."""
    for number in reversed(found.made):
        for given, axis in turning:
            pairs = zip(found.values(given), found.values(number), strict=True) if given < number else ()
            runs = [rows for a, b in pairs for rows in rows_of_pair(a, b, axis)]
            explanation = explain(runs, _MADE, _GIVEN)
            if explanation is not None:
                return explanation
    return None


_MADE = "a result of the statement"
_GIVEN = "the vectors that it reads"


def _same_shape(given: Tensor, made: Tensor, axis: Axis) -> Iterator[Rows]:
    """Yields the rows of the irreps of the highest degree, if both values have one shape."""
    if given.shape == made.shape:
        yield _rows(given, axis), _rows(made, axis)


def _one_number(given: Tensor, made: Tensor, axis: Axis) -> Iterator[Rows]:
    """Yields the rows and the numbers, if the made value lacks the axis of the components, or has length 1 there."""
    place, degrees = axis
    if len(degrees) > 1:
        return
    shape = list(given.shape)
    kept = [*shape[:place], 1, *shape[place + 1 :]]
    if list(made.shape) in (kept, [*shape[:place], *shape[place + 1 :]]):
        yield _rows(given, axis), made.reshape(-1)


def _rows(value: Tensor, axis: Axis) -> Tensor:
    """Returns the components of the irreps of the highest degree on an axis as rows, [n, 2l+1]."""
    place, degrees = axis
    pieces = value.movedim(place, -1).split([2 * d + 1 for d in degrees], dim=-1)
    highest = max(degrees)
    return torch.stack([p for p, d in zip(pieces, degrees, strict=True) if d == highest], -2).reshape(
        -1, 2 * highest + 1
    )


def _explain_operations(
    found: StatementValues, turning: Sequence[tuple[int, Axis]], mechanism: str, words: Mapping[str, str]
) -> Explanation | None:
    """Returns the explanation if an operation with one of some names maps a value that turns to one of its shape."""
    shapes = {number: found.tapes[0].values[number].shape for number, _ in turning}
    for event in found.events:
        read = {shapes[n] for n in event.reads if n in shapes}
        if event.name in words and any(found.tapes[0].values[n].shape in read for n in event.writes):
            return explained(mechanism, f"the statement applies {words[event.name]} to components of {_GIVEN}")
    return None


def _explain_added(
    experiment: Experiment, found: StatementValues, turning: Sequence[tuple[int, Axis]]
) -> Explanation | None:
    """Returns the explanation if constant or invariant rows are added to a result, or components are exchanged."""
    for number, axis in _results(found, turning):
        deviations = _deviations(found, number, axis)
        size = float(found.values(number)[0].norm())
        if all(float(d.norm()) <= _TURNS * size for d in deviations):
            continue

        def elsewhere(number: int = number, axis: Axis = axis) -> list[Tensor] | None:
            changed = experiment.with_inputs(noisy_everywhere(0.1, experiment.seed))
            other = None if changed is None else values_of(changed, found.elements)
            return None if other is None else _deviations(other, number, axis)

        explanation = explain_added_rows(deviations, elsewhere, found.elements, max(axis[1]), _MADE)
        if explanation is not None:
            return explanation
    return None


def _results(found: StatementValues, turning: Sequence[tuple[int, Axis]]) -> Iterator[tuple[int, Axis]]:
    """Yields the results of the statement, each with an axis on which it should turn.

    This is the axis of the law that replaces the value, or that of a value that the statement reads and that has as
    many axes. The second does not depend on the contract of the layer, which may be inferred from broken values.
    """
    inside = {number for event in found.events for number in event.reads} - found.laws.keys()
    for number in (n for n in found.made if n not in inside):
        law, shape = found.laws.get(number), found.tapes[0].values[number].shape
        axes = [law.axes[0]] if law is not None and len(law.axes) == 1 else []
        for given, axis in turning:
            read = found.tapes[0].values[given].shape
            if given < number and len(read) == len(shape) and read[axis[0]] == shape[axis[0]]:
                axes.append(axis)
        yield from ((number, axis) for axis in dict.fromkeys(axes))


def _deviations(found: StatementValues, number: int, axis: Axis) -> list[Tensor]:
    """Returns made minus wanted under each element, as rows of the irreps of the highest degree."""
    plain, *others = found.values(number)
    law = IrrepLaw((axis,))
    return [_rows(made - law.apply(plain, element), axis) for made, element in zip(others, found.elements, strict=True)]


def _is_equal(left: Tensor, right: Tensor) -> bool:
    return left.shape == right.shape and float((left - right).norm()) <= _TURNS * float(right.norm())
