"""Explains why a layer tells a node from its periodic images.

`explain` calls it for the symmetry "lattice". Doubled cells are compared in `diagnosis.supercells`.
"""

from __future__ import annotations

from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explanation import Explanation, explained
from equivariance.groups.elements import Transform
from equivariance.groups.lattice_moves import moves_along


def explain_lattice(experiment: Experiment, element: Transform, part: str) -> Explanation:
    """Returns the explanation: the lattice vectors along which moved nodes change the value."""
    error = experiment.outcome(element).error
    crystal = experiment.runs.sizes.crystal
    moves = {} if crystal is None else {axis: moves_along(crystal, axis) for axis in range(3)}
    kept = [axis for axis, elements in moves.items() if elements and all(map(experiment.respects, elements))]
    felt = [axis for axis, elements in moves.items() if elements and axis not in kept]
    text = f"{part} changes by {error:.2g} where nodes are moved by lattice vectors under {element}"
    if not felt or not kept:
        return Explanation("periodic-image", f"{text}: a node is another one in another cell")
    named, others = (" and ".join(map(str, axes)) for axes in (felt, kept))
    return explained(
        "lattice-vector-left-out",
        f"{text}: moves along lattice vector {named} change it, and moves along {others} do not",
        f"Look for images of a node along lattice vector {named}, too: the wrap or the list of images leaves it out.",
    )
