"""Explains why a layer tells a node from its periodic images.

`explain` calls it for the symmetry "lattice". Doubled cells are compared in `diagnosis.supercells`.
"""

from __future__ import annotations

from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explanation import Explanation
from equivariance.groups.elements import Transform


def explain_lattice(experiment: Experiment, element: Transform, part: str) -> Explanation:
    """Returns the explanation: the lattice vectors along which moved nodes change the value."""
    error = experiment.outcome(element).error
    crystal = experiment.runs.sizes.crystal
    moved = [] if crystal is None else [axis for axis in range(3) if crystal.movable[:, axis].any()]
    felt = [axis for axis in moved if not experiment.respects(_along(experiment.element, axis))]
    kept = [axis for axis in moved if axis not in felt]
    text = f"{part} changes by {error:.2g} where nodes are moved by lattice vectors under {element}"
    if not felt or not kept:
        return Explanation("periodic-image", f"{text}: a node is another one in another cell")
    named, others = (" and ".join(map(str, axes)) for axes in (felt, kept))
    return Explanation(
        "periodic-image",
        f"{text}: moves along lattice vector {named} change it, moves along {others} do not",
        f"Look for images of a node along lattice vector {named}, too: the wrap or the list of images leaves it out.",
    )


def _along(element: Transform, axis: int) -> Transform:
    """Returns moves of the same nodes along one lattice vector alone; of the first node if none is moved along it."""
    images = element.images or ()
    rows = [tuple(number if place == axis else 0 for place, number in enumerate(row)) for row in images]
    if not any(map(any, rows)) and element.crystal is not None:
        first = int(element.crystal.movable[:, axis].argmax())
        rows[first] = tuple(int(place == axis) for place in range(3))
    return Transform(images=tuple((a, b, c) for a, b, c in rows), crystal=element.crystal)
