"""What a callable returns under some elements, leaf by leaf, and how well a representation describes it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from equivariance._engine.instrumentation.perturbations import noisy, perturbed_inputs
from equivariance._engine.measurement.prepare import Prepared
from equivariance._engine.measurement.relative_error import PartError, compare
from equivariance._engine.measurement.survey_results import Trial
from equivariance._engine.measurement.transformed_runs import TransformedRuns
from equivariance._engine.measurement.verdict import Measurement, Verdict
from equivariance.contracts.nested import cast, children, transform, walk
from equivariance.errors import ArgumentError, ContractError
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation

Path = tuple[str | int, ...]

_SHAKEN = 2
_MOST = 4
"""Perturbed runs, and elements of each symmetry."""

_ELSEWHERE = 0.3
"""How far other inputs are moved, in units of their root mean square."""


@dataclass(frozen=True)
class Course:
    """One leaf in one state of the weights.

    Attributes:
        reference: Its value in the reference run
        perturbed: Under last-bit perturbations of the input; None where it was not returned
        under: (symmetry, element, value)
    """

    reference: Tensor
    perturbed: tuple[Tensor | None, ...]
    under: tuple[tuple[str, Transform, Tensor | None], ...]


@dataclass(frozen=True)
class Fit:
    """How well a representation describes a leaf under one symmetry.

    Attributes:
        holds: To within rounding, that of constants too, under every element, in every state
        error: Relative error of the whole leaf under the element where it is smallest: long translations tell little
        largest: Under the element where it is largest
    """

    holds: bool
    error: float
    largest: float


@dataclass(frozen=True)
class Leaf:
    """One tensor that a callable returns.

    Attributes:
        path: Keys and fields on the way to it
        courses: Its values, one course for each state
        epsilon, working: Machine epsilon of the values, and of the precision that is judged
        extent: Of the input cloud
    """

    path: Path
    courses: tuple[Course, ...]
    epsilon: float
    working: float
    extent: float

    @property
    def example(self) -> Tensor:
        """Its value with the weights as given."""
        return self.courses[0].reference

    def fits(self, law: Representation) -> dict[str, Fit]:
        """How well `law` describes the leaf, under each tested symmetry; nothing where its shape does not fit."""
        try:
            law.check(self.example, "output")
        except ContractError:
            return {}
        found: dict[str, dict[Transform, list[tuple[bool, float]]]] = {}
        for course in self.courses:
            floors = self._floors(course, law)
            for symmetry, element, value in course.under:
                judged = self._judged(course.reference, value, law, element, floors)
                found.setdefault(symmetry, {}).setdefault(element, []).append(judged)
        return {symmetry: _fit(under.values()) for symmetry, under in found.items()}

    def _floors(self, course: Course, law: Representation) -> dict[str, float]:
        floors: dict[str, float] = {}
        for value in course.perturbed:
            for label, error in _errors(value, course.reference, law, Transform()).items():
                floors[label] = max(floors.get(label, 0.0), error.relative if math.isfinite(error.difference) else 0.0)
        return floors

    def _judged(
        self, reference: Tensor, value: Tensor | None, law: Representation, element: Transform,
        floors: Mapping[str, float],
    ) -> tuple[bool, float]:  # fmt: skip
        try:
            errors = _errors(value, law.transform(reference, element), law, element)
        except ArgumentError:
            return False, math.inf
        reach = 1 + element.distance / max(self.extent, 1e-300)
        holds = all(self._sound(e, floors.get(label, 0.0), reach) for label, e in errors.items())
        difference = math.hypot(*(e.difference for e in errors.values()))
        scale = math.hypot(*(e.scale for e in errors.values()))
        return holds, difference / scale if difference and scale else math.inf if difference else 0.0

    def _sound(self, error: PartError, floor: float, reach: float) -> bool:
        reading = Measurement(error.relative, floor, self.epsilon, 0.0, 0.0, self.working, error.discrete, reach)
        return reading.verdict < Verdict.BROKEN


def _fit(judged: Iterable[Sequence[tuple[bool, float]]]) -> Fit:
    """Of whether the law holds, and the error, in every state, one sequence for each element."""
    entries = [(all(holds for holds, _ in states), max(error for _, error in states)) for states in judged]
    errors = [error for _, error in entries]
    return Fit(all(holds for holds, _ in entries), min(errors), max(errors))


def observe(ready: Prepared, seed: int) -> list[Leaf]:
    """Run under a few elements of every symmetry, with the weights as given and with perturbed ones."""
    bench, runs, known = ready.bench, TransformedRuns(ready.bench, ready.setting), dict[Path, list[Course]]()
    elements = [(g.symmetry, e) for g in ready.groups for e in g.draw(3, seed, ready.setting)[::2][:_MOST]]
    for state in (s for s in bench.states if s.mode == "eval"):
        reference = dict(tensors(bench.run(state, bench.reference_dtype, bench.arguments)))
        perturbed = [
            dict(tensors(bench.run(state, bench.reference_dtype, _jittered(ready, number))))
            for number in range(_SHAKEN)
        ]
        under = [(s, e, dict(tensors(runs.output(Trial(e, state))))) for s, e in elements]
        for path, value in reference.items():
            course = Course(
                value, tuple(v.get(path) for v in perturbed), tuple((s, e, v.get(path)) for s, e, v in under)
            )
            known.setdefault(path, []).append(course)
    main, working = (torch.finfo(dtype).eps for dtype in (bench.reference_dtype, bench.tested_dtype))
    return [Leaf(path, tuple(courses), main, working, ready.setting.extent) for path, courses in known.items()]


def elsewhere(ready: Prepared, path: Path, element: Transform, count: int, axis: int) -> tuple[Tensor, Tensor]:
    """A leaf on `count` other inputs, and under an element on these; rows of the components on `axis`, float64."""
    bench, rows = ready.bench, list[tuple[Tensor, Tensor]]()
    specs, state = bench.contracts[""].inputs, [s for s in bench.states if s.mode == "eval"][-1]
    for seed in range(count):
        changed = {k: walk(v, specs.get(k), k, noisy(_ELSEWHERE, seed)) for k, v in bench.arguments.items()}
        exact = {k: cast(v, torch.float64) for k, v in changed.items()}
        moved = {k: transform(v, specs.get(k), element, k) for k, v in exact.items()}
        found = [dict(tensors(bench.run(state, bench.reference_dtype, given))).get(path) for given in (exact, moved)]
        left, right = found
        if left is not None and right is not None and left.shape == right.shape and axis < left.dim():
            pair = [t.double().movedim(axis, -1).reshape(-1, t.shape[axis]) for t in (left, right)]
            rows.append((pair[0], pair[1]))
    if not rows:
        return torch.zeros(0, 1), torch.zeros(0, 1)
    return torch.cat([before for before, _ in rows]), torch.cat([after for _, after in rows])


def tensors(value: Any, path: Path = ()) -> Iterator[tuple[Path, Tensor]]:
    """Every tensor within containers, with its path; objects of other libraries are not opened."""
    if isinstance(value, Tensor):
        yield path, value
    for key, entry in children(value):
        yield from tensors(entry, (*path, key))


def _jittered(ready: Prepared, seed: int) -> dict[str, Any]:
    generator, epsilon = torch.Generator().manual_seed(seed), torch.finfo(ready.bench.reference_dtype).eps
    return perturbed_inputs(ready.bench.arguments, epsilon, generator)


def _errors(value: Tensor | None, expected: Tensor, law: Representation, element: Transform) -> dict[str, PartError]:
    if value is None:
        return {"": PartError(math.inf, 1.0, True)}
    return {label: error for (_, label), error in compare(value, expected, law, element).items()}
