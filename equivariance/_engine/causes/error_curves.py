"""Measures the introduced error over the size of the transformation, the scale and the precision, and per node.

`diagnosis.localizer` adds these numbers to a finding. No verdict and no cause depends on them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from equivariance._engine.causes.components.component_axis import part_of
from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.instrumentation.perturbations import scaled
from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import leaves
from equivariance.errors import ForeignElementError
from equivariance.findings import Curve
from equivariance.groups.elements import Transform, rotation, translation
from equivariance.representations.axes import Concatenated, position
from equivariance.representations.base import Representation
from equivariance.representations.standard import CartesianPoints

_FACTORS = (1 / 64, 1 / 16, 1 / 4, 1.0, 4.0)
_ANGLES = (0.01, 0.1, 0.5, 1.0, 2.0, math.pi)
_SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)
_DTYPES = (torch.float64, torch.float32, torch.bfloat16)


def curves_of(experiment: Experiment, symmetry: str) -> tuple[Curve, ...]:
    """Returns the curves of the worst part that apply to a symmetry; a curve has two points or more."""
    found = [_curve_over_size(experiment, symmetry), _curve_over_precision(experiment)]
    if symmetry != "lattice":  # the lattice vectors of the elements are not scaled
        found.insert(1, _curve_over_scale(experiment))
    return tuple(curve for curve in found if curve is not None)


def node_errors(experiment: Experiment, count: int) -> tuple[float, ...]:
    """Returns the error at each of the `count` nodes of the first sample, over the root mean square of the whole.

    The order is that of the input's nodes. If no axis of the value lists nodes, the result is empty.
    """
    element, how, outcome = experiment.element, experiment.how, experiment.outcome(experiment.element)
    if how is None or outcome.made is None or outcome.wanted is None or not outcome.comparable or not count:
        return ()
    difference, size = (part_of(t.double(), how, experiment.key[1]) for t in _deviation(experiment, element))
    rows = _rows_of_first_sample(difference, how, element, count)
    base = _rows_of_first_sample(size, how, element, count)
    if rows is None or base is None:
        return ()
    unit = float(base.square().sum(1).mean().sqrt()) or 1.0
    errors = (rows.square().sum(1).sqrt() / unit).tolist()
    order = element.order_in(0)
    if order is None:
        return tuple(errors)
    placed = [0.0] * count
    for new, old in enumerate(order):
        placed[old] = errors[new]
    return tuple(placed)


def cloud_of(
    arguments: Mapping[str, Any], contract: Contract, nodes: int | None
) -> tuple[tuple[float, float, float], ...]:
    """Returns the positions [N, 3] of the first sample of the first input that has positions; empty if none has.

    `nodes` is the number of nodes of a sample, for samples that lie one after the other.
    """
    for name, value in arguments.items():
        for _, tensor, how in leaves(value, contract.inputs.get(name), name):
            if isinstance(how, CartesianPoints) and tensor.dim() > 1 and tensor.numel():
                return _first_cloud(tensor.detach().double().cpu(), how, nodes)
    return ()


def _first_cloud(
    points: torch.Tensor, how: CartesianPoints, nodes: int | None
) -> tuple[tuple[float, float, float], ...]:
    layout = how.concatenated
    batch = position(how.batch, points) if not isinstance(how.batch, Concatenated) else None
    axis = how.axis % points.dim()
    if layout is None and batch is not None and batch != position(how.nodes, points):
        points, axis = points.select(batch, 0), axis - (batch < axis)
    points = points.movedim(axis, -1)
    while points.dim() > 2:
        points = points[0]
    if layout is not None:
        points = points[: layout.sizes[0] if layout.sizes else nodes]
    return tuple((x, y, *(z or [0.0])) for x, y, *z in points.tolist())


def _deviation(experiment: Experiment, element: Transform) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the deviation, and the values that give its scale: points without the translation."""
    outcome = experiment.outcome(element)
    assert outcome.made is not None
    assert outcome.wanted is not None
    base = outcome.wanted.double()
    if isinstance(experiment.how, CartesianPoints):
        base = base - experiment.how.along_axis(element.vector, base)
    if not outcome.made.is_floating_point():
        return (outcome.made != outcome.wanted).double(), torch.ones_like(base)
    return outcome.made.double() - outcome.wanted.double(), base


def _curve_over_size(experiment: Experiment, symmetry: str) -> Curve | None:
    if symmetry == "translation":
        vector = np.array(experiment.element.vector)
        points = [(f * experiment.element.distance, translation(f * vector)) for f in _FACTORS]
        return _make_curve("translation", ((v, experiment.outcome(e).error) for v, e in points))
    if symmetry == "rotation":
        turn = Rotation.from_matrix(experiment.element.array).as_rotvec()
        axis = turn / (np.linalg.norm(turn) or 1.0)
        return _make_curve("angle", ((a, experiment.outcome(rotation(a * axis)).error) for a in _ANGLES))
    return None


def _curve_over_scale(experiment: Experiment) -> Curve | None:
    if not any(how.turns for _, _, how in experiment.inputs()):
        return None
    return _make_curve("scale", _errors_by_scale(experiment))


def _errors_by_scale(experiment: Experiment) -> Iterator[tuple[float, float]]:
    for factor in _SCALES:
        other = experiment if factor == 1 else experiment.with_inputs(scaled(factor))
        if other is not None:
            yield factor, other.outcome(experiment.element).error


def _curve_over_precision(experiment: Experiment) -> Curve | None:
    if experiment.state.mode == "train":  # other random numbers are drawn in another precision
        return None
    main = torch.finfo(experiment.runner.reference_dtype).eps
    dtypes = [d for d in _DTYPES if torch.finfo(d).eps >= main]
    return _make_curve("precision", ((torch.finfo(d).eps, experiment.in_precision(d)) for d in dtypes))


def _make_curve(over: str, points: Iterator[tuple[float, float]]) -> Curve | None:
    try:
        finite = [(float(v), float(e)) for v, e in points if math.isfinite(e)]
    except ForeignElementError:
        return None
    if len(finite) < 2:
        return None
    values, errors = zip(*finite, strict=True)
    return Curve(over, values, errors)


def _rows_of_first_sample(
    tensor: torch.Tensor, how: Representation, element: Transform, count: int
) -> torch.Tensor | None:
    """Returns the rows of the nodes of the first sample, flattened to [count, ...]; None if no axis lists nodes."""
    try:
        placed = how.with_axes_of(tensor)
    except ValueError:  # the lengths of the axes do not identify the nodes
        return None
    sample = 0 if element.samples is None else element.samples.index(0) if 0 in element.samples else None
    nodes, layout = position(placed.nodes, tensor), placed.concatenated
    if nodes is None or sample is None:
        return None
    if layout is not None:
        return _rows_of_segment(tensor, nodes, layout, sample, count)
    batch = position(placed.batch, tensor) if not isinstance(placed.batch, Concatenated) else None
    if batch is not None and batch != nodes:
        tensor, nodes = tensor.select(batch, sample), nodes - (batch < nodes)
    rows = tensor.movedim(nodes, 0)
    return rows.reshape(count, -1) if rows.shape[0] == count else None


def _rows_of_segment(
    tensor: torch.Tensor, axis: int, layout: Concatenated, sample: int, count: int
) -> torch.Tensor | None:
    """Returns the rows if samples lie one after the other; if they differ in size, only the first is found."""
    start = sample * count
    if (layout.sizes is not None and sample) or tensor.shape[axis] < start + count:
        return None
    return tensor.narrow(axis, start, count).movedim(axis, 0).reshape(count, -1)
