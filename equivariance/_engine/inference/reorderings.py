"""Decides by permutations and selections what the names and shapes of the inputs leave open.

These are the axes that list nodes and samples (`axes_by_trial`), and whole numbers that may be node numbers.
`diagnosis.request` calls `decided_by_reordering` after the laws under motions are decided.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from equivariance._engine.inference.axes_by_trial import with_axes
from equivariance._engine.inference.inputs_by_trial import Errors, Try
from equivariance._engine.inference.output_runs import OutputRuns
from equivariance._ranking import smallest
from equivariance.contracts.assumption import Assumption, How, leading
from equivariance.contracts.inputs import Inputs
from equivariance.groups.named import Symmetry
from equivariance.groups.sampling import Group
from equivariance.representations.base import Representation
from equivariance.representations.standard import NodeIndices

MOST = 3
"""Most tensors of whole numbers that are tried; every combination is tried."""


def may_be_decided(inputs: Inputs, tested: Iterable[Group]) -> bool:
    """True if a reordering is tested, and a tensor may have other axes or may hold node numbers."""
    reordering = any(Symmetry(group.symmetry).is_reordering for group in tested)
    return reordering and any(
        (len(a.shape) > 2 and a.grounds.nodes is How.BY_SHAPE) or _may_be_numbers(a) for a in inputs.assumptions
    )


def decided_by_reordering(inputs: Inputs, runs: OutputRuns, run: Try, nodes: int | None) -> Inputs:
    """Returns the inputs with the axes, and with the node numbers, that the runs show.

    Args:
        inputs: The inputs, with their laws under motions.
        runs: Runs the module on its arguments.
        run: Returns True if the output is right under permutations with given inputs, and its error.
        nodes: Number of nodes of one sample; None if permutations are not tested.
    """
    inputs = inputs.with_assumptions(with_axes(inputs.assumptions, runs))
    numbers = [a for a in inputs.assumptions if nodes is not None and _may_be_numbers(a, nodes) and a.follows is None]
    if nodes is None or not numbers or len(numbers) > MOST:
        return inputs
    tries = _tries(inputs, numbers, nodes, run)
    changed, _, sound = smallest(tries, lambda tried: (not tried[2], sum(tried[1].values())))
    result = "the output is right so" if sound else "the error of the output is least so"
    how = How.BY_RUNS if sound else How.BY_SHAPE
    return inputs.with_assumptions(
        [replace(a, why=f"whole numbers; {result}", grounds=replace(a.grounds, law=how, nodes=how)) for a in changed]
    )


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
    """Returns the readings of whole numbers, the likeliest first: a row for each node is rarely a list of nodes."""
    law, batch = assumption.representation, assumption.representation.batch
    numbers: list[Representation] = [NodeIndices(nodes=None, batch=batch, per_sample=per_sample)]
    if assumption.shape and assumption.shape[0] == nodes:
        return [law, replace(numbers[0], nodes=law.nodes), *numbers]
    return [*numbers, replace(law, nodes=None)]
