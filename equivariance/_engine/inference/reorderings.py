"""Decides by permutations and selections what the names and shapes of the inputs leave open.

These are the axes that list nodes and samples (`axes_by_trial`), whole numbers that may be node numbers, and tensors
that may list pairs of nodes.
`diagnosis.request` calls `decided_by_reordering` after the laws under motions are decided.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from equivariance._engine.inference.axes_by_trial import with_axes
from equivariance._engine.inference.inputs_by_trial import Errors, Try
from equivariance._engine.inference.output_runs import OutputRuns
from equivariance._ranking import exceeds, smallest
from equivariance.contracts.assumption import Assumption, How, leading
from equivariance.contracts.assumptions import component_axis
from equivariance.contracts.inputs import Inputs
from equivariance.groups.named import Symmetry
from equivariance.groups.sampling import Group
from equivariance.representations.axes import position
from equivariance.representations.base import Representation
from equivariance.representations.standard import NodeIndices

MOST = 3
"""Most tensors that are tried; every combination is tried."""

_MUCH = 3.0
"""Factor by which pairs of nodes must be worse than rows of nodes, if the output is wrong with both."""


def may_be_decided(inputs: Inputs, tested: Iterable[Group]) -> bool:
    """True if a reordering is tested, and a tensor may have other axes or may hold node numbers."""
    reordering = any(Symmetry(group.symmetry).is_reordering for group in tested)
    return reordering and any(
        (len(a.shape) > 2 and a.grounds.nodes is How.BY_SHAPE) or _may_be_numbers(a) or _second_axis(a) is not None
        for a in inputs.assumptions
    )


def decided_by_reordering(inputs: Inputs, runs: OutputRuns, run: Try, nodes: int | None) -> Inputs:
    """Returns the inputs with the axes, the node numbers and the pairs of nodes that the runs show.

    Args:
        inputs: The inputs, with their laws under motions.
        runs: Runs the module on its arguments.
        run: Returns True if the output is right under permutations with given inputs, and its error.
        nodes: Number of nodes of one sample; None if permutations are not tested.
    """
    inputs = inputs.with_assumptions(with_axes(inputs.assumptions, runs))
    if nodes is None:
        return inputs
    several = [a for a in inputs.assumptions if _may_be_numbers(a, nodes) or _second_axis(a) is not None]
    several = [a for a in several if a.follows is None]
    if not several or len(several) > MOST:
        return inputs
    changed, sound = _best(list(_tries(inputs, several, nodes, run)))
    result = "the output is right so" if sound else "the error of the output is least so"
    return inputs.with_assumptions([_decided(a, result, How.BY_RUNS if sound else How.BY_SHAPE) for a in changed])


def _best(tries: Sequence[tuple[list[Assumption], Errors, bool]]) -> tuple[list[Assumption], bool]:
    """Returns the reading with the smallest error, and True if the output is right so.

    If the output is always wrong, the reading of pairs must be much worse to be dropped. It is dropped too if
    permutations act on pairs only: nothing shows then that the tensors list pairs.
    """
    changed, errors, sound = smallest(tries, lambda tried: (not tried[2], _total(tried[1])))
    without = [tried for tried in tries if all(a.representation.pairs is None for a in tried[0])]
    if sound or not without or without[0] is tries[0]:
        return changed, sound
    if all(math.isinf(_total(errors)) for _, errors, _ in without):
        return without[0][0], False
    likeliest = not exceeds(_total(tries[0][1]), _MUCH * _total(errors))
    return tries[0][0] if likeliest else changed, False


def _total(errors: Errors) -> float:
    return sum(errors.values())


def _decided(assumption: Assumption, result: str, how: How) -> Assumption:
    """Returns a tensor with the reading that was tried."""
    numbers = assumption.grounds.law is How.BY_SHAPE and not assumption.value.is_floating_point()
    grounds = replace(assumption.grounds, law=how if numbers else assumption.grounds.law, nodes=how)
    why = "whole numbers" if numbers else assumption.why
    return replace(assumption, why=f"{why}; {result}", grounds=grounds)


def _second_axis(assumption: Assumption) -> int | None:
    """Returns the axis after that of the nodes, if it is as long and holds no components: both may list nodes."""
    law, shape = assumption.representation, assumption.shape
    nodes = position(law.nodes, assumption.value)
    if nodes is None or assumption.asked or nodes + 1 >= len(shape) or shape[nodes] != shape[nodes + 1]:
        return None
    taken = {component_axis(law, assumption.value), law.sample_axis(assumption.value)}
    return None if nodes + 1 in taken or shape[nodes] < 2 else nodes + 1


def _may_be_numbers(assumption: Assumption, nodes: int | None = None) -> bool:
    """True for whole numbers of an unknown name that could all be numbers of nodes."""
    tensor = assumption.value
    if assumption.guesses_samples or assumption.grounds.law is not How.BY_SHAPE:
        return False
    if tensor.is_floating_point() or not tensor.numel():
        return False
    return int(tensor.min()) >= 0 and (nodes is None or int(tensor.max()) < nodes)


def _tries(
    inputs: Inputs, numbers: Sequence[Assumption], nodes: int, run: Try
) -> Iterator[tuple[list[Assumption], Errors, bool]]:
    """Yields each combination of readings with its error, up to the first that makes the output right."""
    lead = leading(inputs.assumptions)
    layout = None if lead is None else lead.representation.concatenated
    per_sample = None if layout is None else layout.sizes
    for laws in itertools.product(*(_readings(a, nodes, per_sample) for a in numbers)):
        changed = [replace(a, representation=law) for a, law in zip(numbers, laws, strict=True)]
        sound, errors = run(inputs.with_assumptions(changed))
        yield changed, errors, sound
        if sound:
            return


def _readings(assumption: Assumption, nodes: int, per_sample: tuple[int, ...] | None) -> list[Representation]:
    """Returns the readings of a tensor, the likeliest first: a row for each node is rarely a list of nodes."""
    law, batch, second = assumption.representation, assumption.representation.batch, _second_axis(assumption)
    if second is not None:
        return [replace(law, pairs=second), law]
    numbers: list[Representation] = [NodeIndices(nodes=None, batch=batch, per_sample=per_sample)]
    if assumption.shape and assumption.shape[0] == nodes:
        return [law, replace(numbers[0], nodes=law.nodes), *numbers]
    return [*numbers, replace(law, nodes=None)]
