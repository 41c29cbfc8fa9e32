"""Decides by permutations and selections what the names and shapes of the inputs leave open.

These are the axes that list nodes and samples (`axes_by_trial`), whole numbers that may be node numbers, and tensors
that may list nodes, or pairs of nodes (`node_readings`).
`diagnosis.request` calls `decided_by_reordering` after the laws under motions are decided.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from equivariance._engine.inference.axes_by_trial import with_axes
from equivariance._engine.inference.inputs_by_trial import Errors, Try
from equivariance._engine.inference.node_readings import Cloud, NodeReadings, may_have_readings, readings_of
from equivariance._engine.inference.output_runs import OutputRuns
from equivariance._ranking import exceeds, smallest
from equivariance.contracts.assumption import Assumption, How, leading
from equivariance.contracts.inputs import Inputs
from equivariance.groups.named import Symmetry
from equivariance.groups.sampling import Group
from equivariance.representations.base import Representation
from equivariance.representations.formatting import as_python

MOST = 64
"""Most combinations of readings that are tried."""

_MUCH = 3.0
"""Factor by which the likeliest readings must be worse than others, if the output is wrong with all."""


@dataclass(frozen=True)
class Reordered:
    """The inputs with the readings that permutations show.

    Attributes:
        inputs: The inputs.
        obstacle: Why permutations prove nothing: a tensor may list nodes or not, with different verdicts. Else "".
    """

    inputs: Inputs
    obstacle: str = ""


def may_be_decided(inputs: Inputs, tested: Iterable[Group]) -> bool:
    """True if a reordering is tested, and a tensor may have other axes or may hold node numbers."""
    reordering = any(Symmetry(group.symmetry).is_reordering for group in tested)
    return reordering and any(
        (len(a.shape) > 2 and a.grounds.nodes is How.BY_SHAPE) or may_have_readings(a) for a in inputs.assumptions
    )


def decided_by_reordering(inputs: Inputs, runs: OutputRuns, run: Try, nodes: int | None) -> Reordered:
    """Returns the inputs with the axes, the node numbers and the pairs of nodes that the runs show.

    Args:
        inputs: The inputs, with their laws under motions.
        runs: Runs the module on its arguments.
        run: Returns True if the output is right under permutations with given inputs, and its error.
        nodes: Number of nodes of one sample; None if permutations are not tested.
    """
    inputs = inputs.with_assumptions(with_axes(inputs.assumptions, runs))
    if nodes is None:
        return Reordered(inputs)
    cloud = Cloud.of(leading(inputs.assumptions), nodes)
    found = [readings_of(a, cloud) for a in inputs.assumptions]
    several = [readings for readings in found if len(readings.all) > 1]
    if not several:
        return Reordered(inputs)
    if math.prod(len(readings.all) for readings in several) > MOST:
        return Reordered(inputs, _too_many([readings for readings in several if not readings.certain]))
    return _decided(inputs, several, list(_tries(inputs, several, run)))


@dataclass(frozen=True)
class _Tried:
    """One combination of readings.

    Attributes:
        laws: The reading of each tensor.
        errors: The error of the output under each symmetry.
        sound: True if the output is right.
    """

    laws: tuple[Representation, ...]
    errors: Errors
    sound: bool

    @property
    def total(self) -> float:
        """The sum of the errors."""
        return sum(self.errors.values())


def _tries(inputs: Inputs, several: Sequence[NodeReadings], run: Try) -> Iterator[_Tried]:
    """Yields each combination of readings with its error, up to the first that makes the output right."""
    for laws in itertools.product(*(readings.all for readings in several)):
        changed = [replace(r.tensor, representation=law) for r, law in zip(several, laws, strict=True)]
        sound, errors = run(inputs.with_assumptions(changed))
        yield _Tried(laws, errors, sound)
        if sound:
            return


def _decided(inputs: Inputs, several: Sequence[NodeReadings], tried: Sequence[_Tried]) -> Reordered:
    """Returns the inputs with the best readings.

    A tensor that lists nodes by what lies around it keeps this reading, although the output is right only without it.
    If nothing but its length says that it lists nodes, the verdict depends on the reading, and there is none.
    """
    best = _best(tried)
    changed, open_readings = [], []
    for number, (readings, law) in enumerate(zip(several, best.laws, strict=True)):
        only_without = best.sound and law is readings.without and readings.may_list
        how = How.BY_RUNS if best.sound and not only_without else How.BY_SHAPE
        if only_without and readings.certain:
            words = "if it listed no nodes, the output would be right"
            changed.append(replace(_with_reading(readings, readings.listing[0], words, how), has_lawful_rival=True))
            continue
        if only_without:
            listing = [t for t in tried if t.laws[number] is not law]
            open_readings.append(_choice(readings, min(t.total for t in listing)))
        words = "the output is right so" if best.sound else "the error of the output is least so"
        changed.append(_with_reading(readings, law, words, how))
    return Reordered(inputs.with_assumptions(changed), "; ".join(open_readings))


def _best(tried: Sequence[_Tried]) -> _Tried:
    """Returns the readings that make the output right, or else the likeliest ones, unless others are much better.

    Pairs of nodes are dropped if permutations act on nothing else: nothing shows then that the tensors list pairs.
    """
    best = smallest(tried, lambda t: (not t.sound, t.total))
    if best.sound:
        return best
    without = [t for t in tried if all(law.pairs is None for law in t.laws)]
    if without and without[0] is not tried[0] and all(math.isinf(t.total) for t in without):
        return without[0]
    return best if exceeds(tried[0].total, _MUCH * best.total) else tried[0]


def _with_reading(readings: NodeReadings, law: Representation, words: str, how: How) -> Assumption:
    """Returns a tensor with one of its readings, and the reason in words."""
    assumption = readings.tensor
    numbers = assumption.grounds.law is How.BY_SHAPE and not assumption.value.is_floating_point()
    grounds = replace(assumption.grounds, law=how if numbers else assumption.grounds.law, nodes=how)
    why = "whole numbers" if numbers else assumption.why
    return replace(assumption, representation=law, why=f"{why}; {words}", grounds=grounds)


def _choice(readings: NodeReadings, error: float) -> str:
    """Returns the choice that a person must make between two readings of a tensor, in words."""
    here, listing = f"{readings.tensor.place} {list(readings.tensor.shape)}", readings.listing[0]
    return (
        f"{here} may list nodes (declare {as_python(listing)}; the error of the output is then {error:.1e}) or none "
        f"(declare {as_python(readings.without)}; the output is then right)"
    )


def _too_many(open_readings: Sequence[NodeReadings]) -> str:
    """Returns what must be declared if there are too many combinations of readings, or ""."""
    places = ", ".join(readings.tensor.place for readings in open_readings)
    return f"more than {MOST} combinations of axes are possible: declare {places}" if places else ""
