"""Records the outputs of a callable under some elements, and measures how well a representation describes each leaf.

`outputs`, `output_candidates` and `output_error` read these values. This module chooses no representation.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from equivariance._engine.inference.output_provenance import Path
from equivariance._engine.instrumentation.hooks import ROOT
from equivariance._engine.instrumentation.perturbations import noisy, perturbed_inputs
from equivariance._engine.instrumentation.tensor_store import TensorStore
from equivariance._engine.instrumentation.testbed import Capabilities, ModelState, Runner
from equivariance._engine.measurement.prepare import Prepared
from equivariance._engine.measurement.relative_error import PartError, compare
from equivariance._engine.measurement.survey_results import Trial
from equivariance._engine.measurement.transformed_runs import TransformedRuns
from equivariance._engine.measurement.verdict import Measurement, Verdict
from equivariance.contracts.nested import (
    UNSPECIFIED,
    cast,
    children,
    leaves,
    map_tensors,
    sample_lists,
    sizes_of_graphs,
    transform,
    walk,
)
from equivariance.contracts.sample_lists import EACH
from equivariance.errors import ArgumentError, ContractError, TransformedInputError
from equivariance.groups.elements import Transform
from equivariance.groups.lattice_moves import without_supercells
from equivariance.groups.named import Symmetry
from equivariance.groups.sampling import Group, Rotations, Translations
from equivariance.representations.base import Representation

_SHAKEN = 2
_MOST = 4
"""Number of perturbed runs, and number of elements of each symmetry."""

_ROUNDING = 16.0
"""Largest difference of inputs that count as equal, in float64 epsilons relative to the largest entry."""

_ELSEWHERE = 0.3
"""Size of the noise on other inputs, relative to their root mean square."""


@dataclass(frozen=True)
class Course:
    """One leaf in one state of the weights.

    Attributes:
        reference: The value in the reference run.
        perturbed: Values under last-bit perturbations of the input; None if the leaf was not returned.
        under: (symmetry, element, value) for each transformed run; the value is None if the leaf was not returned.
    """

    reference: Tensor
    perturbed: tuple[Tensor | None, ...]
    under: tuple[tuple[str, Transform, Tensor | None], ...]


@dataclass(frozen=True)
class Fit:
    """The fit of a representation to a leaf under one symmetry.

    Attributes:
        holds: True if the law holds to within rounding, of constants too, under every element in every state.
        error: Smallest relative error of the whole leaf over the elements: long translations prove little.
        largest: Largest relative error over the elements.
    """

    holds: bool
    error: float
    largest: float


@dataclass(frozen=True)
class Leaf:
    """One tensor that a callable returns.

    Attributes:
        path: Keys and fields from the output to the leaf.
        courses: The values, one course for each state.
        epsilon: Machine epsilon of the reference precision.
        working: Machine epsilon of the tested precision.
        extent: Radius of the input cloud, in the units of the caller.
        able: The precisions that the callable runs in.
    """

    path: Path
    courses: tuple[Course, ...]
    epsilon: float
    working: float
    extent: float
    able: Capabilities

    @property
    def example(self) -> Tensor:
        """The value with the weights as given."""
        return self.courses[0].reference

    def was_seen_under(self, symmetries: Collection[str]) -> bool:
        """True if the callable returned the leaf under an element of one of these symmetries."""
        return any(symmetry in symmetries for course in self.courses for symmetry, _, _ in course.under)

    def fits(self, law: Representation) -> dict[str, Fit]:
        """Returns symmetry -> fit of `law` to the leaf; empty if the shape does not fit."""
        try:
            law.check(self.example, "output")
        except ContractError:
            return {}
        found: dict[str, dict[Transform, list[tuple[bool, float]]]] = {}
        for course in self.courses:
            floors = self._floors(course, law)
            for symmetry, element, value in course.under:
                judged = self._judge(course.reference, value, law, element, floors)
                found.setdefault(symmetry, {}).setdefault(element, []).append(judged)
        return {symmetry: _fit(under.values()) for symmetry, under in found.items()}

    def _floors(self, course: Course, law: Representation) -> dict[str, float]:
        floors: dict[str, float] = {}
        for value in course.perturbed:
            for label, error in _errors(value, course.reference, law, Transform()).items():
                floors[label] = max(floors.get(label, 0.0), error.relative if math.isfinite(error.difference) else 0.0)
        return floors

    def _judge(
        self, reference: Tensor, value: Tensor | None, law: Representation, element: Transform,
        floors: Mapping[str, float],
    ) -> tuple[bool, float]:  # fmt: skip
        try:
            errors = _errors(value, law.transform(reference, element), law, element)
        except ArgumentError:
            return False, math.inf
        reach = 1 + element.distance / max(self.extent, 1e-300)
        reordered = self.able.only_reorders(element)
        holds = all(self._sound(e, floors.get(label, 0.0), reach, reordered) for label, e in errors.items())
        difference = math.hypot(*(e.difference for e in errors.values()))
        scale = math.hypot(*(e.scale for e in errors.values()))
        return holds, difference / scale if difference and scale else math.inf if difference else 0.0

    def _sound(self, error: PartError, floor: float, reach: float, reordered: bool) -> bool:
        measurement = Measurement(
            error.relative, floor, self.epsilon, 0.0, 0.0, self.working, error.discrete, reach, reordered=reordered
        )
        return measurement.verdict < Verdict.BROKEN


def _fit(judged: Iterable[Sequence[tuple[bool, float]]]) -> Fit:
    """Returns the fit, from one sequence for each element of (law holds, error) in every state."""
    entries = [(all(holds for holds, _ in states), max(error for _, error in states)) for states in judged]
    errors = [error for _, error in entries]
    return Fit(all(holds for holds, _ in entries), min(errors), max(errors))


@dataclass(frozen=True, eq=False)
class OutputRuns:
    """Outputs of the whole module in the reference precision; equal inputs are run once.

    Candidate representations often transform the inputs alike: rotations act alike on vectors and positions. Inputs
    that differ by rounding only count as equal.

    Attributes:
        runner: Runs the module; its arguments are the untransformed inputs.
    """

    runner: Runner
    _known: dict[ModelState, list[tuple[Mapping[str, Any], Any]]] = field(default_factory=dict, init=False)
    _references: dict[ModelState, Any] = field(default_factory=dict, init=False)
    _perturbed: dict[ModelState, list[Any]] = field(default_factory=dict, init=False)
    _store: TensorStore = field(init=False)

    def __post_init__(self) -> None:
        """Keeps outputs within the memory of all recordings."""
        object.__setattr__(self, "_store", TensorStore(self.runner.memory))

    def reference(self, state: ModelState) -> Any:
        """Returns the output for the untransformed inputs."""
        if state in self.runner.recorded:
            return self.runner.recorded[state].outputs[ROOT]
        if state not in self._references:
            dtype, arguments = self.runner.reference_dtype, self.runner.arguments
            self._references[state] = self._keep(self.runner.run(state, dtype, arguments))
        return self._references[state]

    def perturbed_outputs(self, state: ModelState) -> list[Any]:
        """Returns the outputs under last-bit perturbations of the inputs."""
        if state not in self._perturbed:
            dtype, arguments = self.runner.reference_dtype, self.runner.arguments
            epsilon, generators = torch.finfo(dtype).eps, map(torch.Generator().manual_seed, range(_SHAKEN))
            given = [perturbed_inputs(arguments, epsilon, generator) for generator in generators]
            self._perturbed[state] = [self._keep(self.runner.run(state, dtype, inputs)) for inputs in given]
        return self._perturbed[state]

    def transformed_output(self, runs: TransformedRuns, trial: Trial) -> Any:
        """Returns the output for inputs that `runs` transforms by its representations."""
        inputs = runs.inputs(trial.element)
        if _alike(inputs, self.runner.arguments):
            return self.reference(trial.state)
        known = self._known.setdefault(trial.state, [])
        for given, output in known:
            if _alike(inputs, given):
                return output
        known.append((map_tensors(inputs, self._store.keep), self._keep(runs.output(trial))))
        return known[-1][1]

    def _keep(self, output: Any) -> Any:
        return map_tensors(output, self._store.keep)


def _alike(inputs: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """True if two sets of inputs are equal up to rounding; False for graphs of other libraries."""
    if any(any(sizes_of_graphs(value)) for value in inputs.values()):
        return False
    left, right = ([t for v in given.values() for _, t, _ in leaves(v, UNSPECIFIED)] for given in (inputs, others))
    return len(left) == len(right) and all(map(_near, left, right))


def _near(left: Tensor, right: Tensor) -> bool:
    if left.shape != right.shape or not (left.is_floating_point() and right.is_floating_point()):
        return left.shape == right.shape and left.dtype == right.dtype and torch.equal(left, right)
    if not left.numel():
        return True
    left, right = left.double(), right.double()
    size = float(left.abs().max())
    return float((left - right).abs().max()) <= _ROUNDING * torch.finfo(torch.float64).eps * size


def observe(ready: Prepared, runs: OutputRuns) -> list[Leaf]:
    """Returns the leaves of the output under a few elements of every symmetry, in all evaluation states."""
    runner, call, known = ready.runner, ready.call, dict[Path, list[Course]]()
    candidate = TransformedRuns(runner, call.sizes)
    listed = any(any(sample_lists(v, call.contract.inputs.get(name))) for name, v in call.arguments.items())
    groups = [*map(without_supercells, call.groups), *_motions_beside(call.groups)]
    elements = [(g.symmetry, e) for g in groups for e in g.draw(3, call.settings.seed, call.sizes)[::2][:_MOST]]
    for state in (s for s in runner.states if s.mode == "eval"):
        reference = dict(tensors(runs.reference(state), listed))
        perturbed = [dict(tensors(output, listed)) for output in runs.perturbed_outputs(state)]
        under = list(_under_elements(runs, candidate, state, elements, listed))
        for path, value in reference.items():
            course = Course(
                value, tuple(v.get(path) for v in perturbed), tuple((s, e, v.get(path)) for s, e, v in under)
            )
            known.setdefault(path, []).append(course)
    main, working = (torch.finfo(dtype).eps for dtype in (runner.reference_dtype, runner.tested_dtype))
    able = runner.capabilities
    return [Leaf(path, tuple(courses), main, working, call.sizes.extent, able) for path, courses in known.items()]


def _motions_beside(groups: Sequence[Group]) -> list[Group]:
    """Returns the motions that tell positions from other outputs, if moves by lattice vectors are tested alone."""
    symmetries = {Symmetry(group.symmetry) for group in groups}
    alone = Symmetry.LATTICE in symmetries and not any(symmetry.is_motion for symmetry in symmetries)
    return [Translations(), Rotations()] if alone else []


def _under_elements(
    runs: OutputRuns,
    candidate: TransformedRuns,
    state: ModelState,
    elements: Sequence[tuple[str, Transform]],
    listed: bool,
) -> Iterator[tuple[str, Transform, dict[Path, Tensor]]]:
    """Yields symmetry, element and leaves; elements under which the module raises an error show nothing."""
    for symmetry, element in elements:
        with suppress(TransformedInputError):
            yield symmetry, element, dict(tensors(runs.transformed_output(candidate, Trial(element, state)), listed))


def elsewhere(ready: Prepared, path: Path, element: Transform, count: int, axis: int) -> tuple[Tensor, Tensor]:
    """Runs the module on `count` other inputs, plain and transformed by `element`.

    Returns:
        Plain and transformed values of the leaf at `path`, float64 of shape [rows, components on `axis`].
    """
    runner, rows = ready.runner, list[tuple[Tensor, Tensor]]()
    specs, state = ready.call.contract.inputs, [s for s in runner.states if s.mode == "eval"][-1]
    for seed in range(count):
        changed = {k: walk(v, specs.get(k), k, noisy(_ELSEWHERE, seed)) for k, v in runner.arguments.items()}
        exact = {k: cast(v, torch.float64) for k, v in changed.items()}
        moved = {k: transform(v, specs.get(k), element, k) for k, v in exact.items()}
        found = [dict(tensors(runner.run(state, runner.reference_dtype, given))).get(path) for given in (exact, moved)]
        left, right = found
        if left is not None and right is not None and left.shape == right.shape and axis < left.dim():
            pair = [t.double().movedim(axis, -1).reshape(-1, t.shape[axis]) for t in (left, right)]
            rows.append((pair[0], pair[1]))
    if not rows:
        return torch.zeros(0, 1), torch.zeros(0, 1)
    return torch.cat([before for before, _ in rows]), torch.cat([after for _, after in rows])


def tensors(value: Any, listed: bool = False, path: Path = ()) -> Iterator[tuple[Path, Tensor]]:
    """Yields path and tensor for every tensor in containers; objects of other libraries are not opened.

    Args:
        value: The value.
        listed: True joins the entries of each list of samples to one tensor.
        path: The place of `value`.
    """
    if isinstance(value, Tensor):
        yield path, value
    elif listed and lists_samples(value):
        yield (*path, EACH), torch.cat(value)
    else:
        for key, entry in children(value):
            yield from tensors(entry, listed, (*path, key))


def lists_samples(value: Any) -> bool:
    """True for a list of tensors that differ in their first length at most, as a network returns for each sample."""
    rows = type(value) is list and value and all(isinstance(t, Tensor) and t.dim() for t in value)
    return bool(rows) and len({(t.shape[1:], t.dtype) for t in value}) == 1


def _errors(value: Tensor | None, expected: Tensor, law: Representation, element: Transform) -> dict[str, PartError]:
    if value is None:
        return {"": PartError(math.inf, 1.0, True)}
    return {label: error for (_, label), error in compare(value, expected, law, element).items()}
