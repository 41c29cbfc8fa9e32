"""Measures the interpolation errors of grids, under elements that move cells between cells.

A field is moved twice, by fine and by coarse interpolation. The difference, relative to the field, is the floor at that
site. The floor of a layer's own code is the largest at its inputs, at the outputs of its callees and at its own value.

`rounding_floors` calls it. This module gives no verdict.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch

from equivariance._engine.instrumentation.hooks import ROOT
from equivariance._engine.instrumentation.reference import OUTPUT, ReferenceRun, Site
from equivariance._engine.measurement.relative_error import PartKey
from equivariance.contracts.nested import leaves
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation

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
