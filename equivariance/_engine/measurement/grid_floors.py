"""Measures the errors that grids explain: interpolation between cells, and content that leaves the frame.

A field is moved twice, by fine and by coarse interpolation. The difference, relative to the field, is the floor at that
site. The floor of a layer's own code is the largest at its inputs, at the outputs of its callees and at its own value.

A shift of a grid that is not periodic loses what it moves out. An output without cells, such as a centre of mass, then
differs for a sound network too. This floor is measured: the code runs on inputs that were shifted there and back, and
its output is compared with the reference. `grid_borders` keeps all but faint content inside, so the floor is small.

`rounding_floors` calls it. This module gives no verdict.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from equivariance._engine.instrumentation.hooks import ROOT, LayerCall
from equivariance._engine.instrumentation.reference import OUTPUT, ReferenceRun, Site
from equivariance._engine.laws.grid import lattice_of
from equivariance._engine.measurement.comparisons import AccumulatedErrors, Errors, IntroducedErrors
from equivariance._engine.measurement.isolation import run_isolated
from equivariance._engine.measurement.relative_error import PartKey
from equivariance._engine.measurement.survey_results import Trial
from equivariance._engine.measurement.transformed_runs import TransformedRuns
from equivariance.contracts.nested import leaves, walk
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation
from equivariance.representations.images.canvas import Canvas

Floors = dict[PartKey, float]


class GridFloors:
    """The grid floors of one reference run, each measured at its first use."""

    def __init__(self, reference: ReferenceRun) -> None:
        """Starts without any floor."""
        self.reference = reference
        self._known: dict[tuple[Transform, int, Representation], Floors] = {}

    def introduced(self, site: Site, element: Transform, key: PartKey) -> float:
        """Returns the floor of the value that one call's own code makes at `site`, part `key`."""
        owner = self.reference.owner(site)
        inputs = [Site(owner, name) for name in self.reference.inputs.get(owner, {})]
        callees = [Site(call) for call, caller in self.reference.callers.items() if caller == owner]
        read = [max(self._at(s, element).values(), default=0.0) for s in (*inputs, *callees)]
        return max([*read, self._at(site, element).get(key, 0.0)])

    def accumulated(self, element: Transform) -> float:
        """Returns the floor at the network's output: the root of the sum of squares over all calls."""
        sites = [
            *(Site(ROOT, name) for name in self.reference.inputs[ROOT]),
            *map(Site, self.reference.outputs),
        ]
        return math.hypot(*(max(self._at(s, element).values(), default=0.0) for s in sites))

    def _at(self, site: Site, element: Transform) -> Floors:
        if not self.reference.has(site):
            return {}
        found: Floors = {}
        for path, tensor, how in self._leaves(site):
            known = (element, id(tensor), how)
            if known not in self._known:
                self._known[known] = _floors(tensor, how, element)
            found |= {(path, label): floor for (_, label), floor in self._known[known].items()}
        return found

    def _leaves(self, site: Site) -> Iterator[tuple[str, torch.Tensor, Representation]]:
        value: Any = self.reference.value(site)
        specs = self.reference.contracts[site.call.layer]
        yield from leaves(value, specs.output if site.slot == OUTPUT else specs.inputs.get(site.slot))


def _floors(tensor: torch.Tensor, how: Representation, element: Transform) -> Floors:
    if not tensor.is_floating_point():
        return {}
    values = tensor.detach().to(torch.float64)
    left = how.unresolved(values, element)
    if left is None:
        return {}
    moved = how.compared(how.act(values, element), element)
    pairs = zip(how.parts(how.compared(left, element)), how.parts(moved), strict=True)
    whole = float(moved.norm())
    floors = {}
    for difference, expected in pairs:
        size = float(expected.values.norm()) or whole
        floors["", difference.label] = float(difference.values.norm()) / size if size else 0.0
    return floors


class ContentFloors:
    """The effects of lost content, each measured at its first use.

    Args:
        runs: Runs the network.
    """

    def __init__(self, runs: TransformedRuns) -> None:
        """Runs nothing yet."""
        self.runs, self.runner = runs, runs.runner
        self._latest: tuple[tuple[Trial, LayerCall | None] | None, Mapping[Site, Errors]] = (None, {})

    def floor(self, trial: Trial, owner: LayerCall | None, site: Site, key: PartKey) -> float:
        """Returns the relative change of one part; 0 if it lies on a grid itself, or if no content can leave.

        Args:
            trial: The element and the state.
            owner: The call whose code is compared; None for the whole network.
            site: The site of the value.
            key: The part of the value.
        """
        reference = self.runner.reference(trial.state)
        if not self._may_lose(trial.element) or not reference.has(site) or _has_cells(reference, site, key):
            return 0.0
        if self._latest[0] != (trial, owner):
            self._latest = ((trial, owner), self._errors(trial, owner))
        error = self._latest[1].get(site, {}).get(key)
        return 0.0 if error is None or not error.scale else error.relative

    def _may_lose(self, element: Transform) -> bool:
        """True if a shift by whole cells moves cells of an input across a border."""
        specs = self.runner.contracts[""].inputs
        values = [found for k, v in self.runner.arguments.items() for found in leaves(v, specs.get(k), k)]
        lattices = [lattice_of(how) for _, _, how in values if not isinstance(how, Canvas)]
        return any(
            lattice.is_exact(element) and not lattice.crosses_no_border(element) for lattice in lattices if lattice
        )

    def _errors(self, trial: Trial, owner: LayerCall | None) -> Mapping[Site, Errors]:
        reference, dtype = self.runner.reference(trial.state), self.runner.reference_dtype
        if owner is not None and owner in reference.inputs and trial.state.mode == "eval":
            within = _ThereAndBack(reference, trial.element, dtype)
            run_isolated(self.runner, trial.state, owner, within, dtype)
            return within.errors
        specs = self.runner.contracts[""].inputs
        changed = {
            k: walk(v, specs.get(k), k, lambda t, how, _: _there_and_back(t, how, trial.element))
            for k, v in self.runner.arguments.items()
        }
        handler = AccumulatedErrors(reference, Transform(), layers=())
        self.runner.run(trial.state, dtype, changed, handler)
        return handler.errors


class _ThereAndBack(IntroducedErrors):
    """Gives a call the reference values, shifted there and back."""

    def __init__(self, reference: ReferenceRun, element: Transform, dtype: torch.dtype) -> None:
        super().__init__(reference, Transform(), dtype)
        self._lost = element

    def transform_value(self, tensor: torch.Tensor, representation: Representation) -> torch.Tensor:
        """Returns the value that a tensor of the reference run has after both shifts."""
        return _there_and_back(tensor, representation, self._lost).to(tensor.dtype)


def _there_and_back(tensor: torch.Tensor, how: Representation, element: Transform) -> torch.Tensor:
    """Returns a field without the content that an element moves out of the frame; other values as they are."""
    if lattice_of(how) is None:
        return tensor
    return how.transform(how.transform(tensor, element), element.inverse())


def _has_cells(reference: ReferenceRun, site: Site, key: PartKey) -> bool:
    found = leaves(reference.value(site), reference.spec(site))
    return any(lattice_of(how) is not None for path, _, how in found if path == key[0])
