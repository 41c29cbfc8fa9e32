"""Finds functions that are sampled on a grid of the sphere: their error falls with the resolution of the grid.

`rotation` calls the experiment. It runs the layer with grids of twice the resolution in the copies of the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from torch import nn

from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explanation import Explanation, explained
from equivariance.adapters.e3nn import finer_grids

_FALLS = 0.5
"""Share of an error: if a finer grid reduces the error below it, the grid is the cause."""


def explain_sphere_grid(experiment: Experiment, part: str) -> Explanation | None:
    """Returns the explanation if the error falls once the grids on the sphere are finer; None if there are no grids."""
    module = experiment.runner.module(experiment.state, experiment.runner.reference_dtype)
    layer = module.get_submodule(experiment.owner.layer)
    finer = finer_grids(layer)
    if not finer:
        return None
    with _replaced(layer, finer):
        other = experiment.by_itself()
        error = experiment.error if other is None else other.outcome(experiment.element).error
    before = experiment.outcome(experiment.element).error
    if not error < _FALLS * before:
        return None
    return explained(
        "sphere-grid",
        f"the error of {part} falls from {before:.2g} to {error:.2g} with a grid of twice the resolution on the sphere",
    )


@contextmanager
def _replaced(layer: nn.Module, others: Mapping[str, nn.Module]) -> Iterator[None]:
    """Replaces submodules of a layer by path; they are put back afterwards, also after an error."""
    places = [(layer.get_submodule(path.rpartition(".")[0]), path.rpartition(".")[2]) for path in others]
    kept = [getattr(parent, name) for parent, name in places]
    try:
        for (parent, name), other in zip(places, others.values(), strict=True):
            setattr(parent, name, other)
        yield
    finally:
        for (parent, name), own in zip(places, kept, strict=True):
            setattr(parent, name, own)
