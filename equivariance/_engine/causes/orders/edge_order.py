"""Explains why a layer depends on the order in which edges are listed.

`permutation` calls it if an element that reorders edges alone shows the violation.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explanation import Explanation, explained
from equivariance._engine.causes.orders.row_matching import reordered
from equivariance._words import counted
from equivariance.groups.elements import Transform, edge_permutation
from equivariance.groups.orders import moved_among
from equivariance.representations.standard import NodeIndices

_ROWS = "Return rows in the order of the edges that were given, or declare which axis lists edges (edges=...)."


def explain_edges(experiment: Experiment, element: Transform, part: str) -> Explanation:
    """Returns the explanation: rows in the order of the edges, edges taken as sorted, or their places as data.

    Args:
        experiment: The suspected call in isolation.
        element: An element that reorders edges only and shows the violation.
        part: The broken value, in words.
    """
    experiment = experiment.for_element(element)
    text = f"another order of the edges changes {part} by {experiment.error:.2g}"
    outcome = experiment.outcome(element)
    if outcome.made is not None and outcome.wanted is not None and outcome.comparable:
        moved = reordered(outcome.made, outcome.wanted, max(experiment.tolerance, 1e-9))
        if moved and outcome.made.is_floating_point():
            means = f"the same rows come in another order ({moved[0]} of {moved[1]} moved)"
            return explained("row-order", f"{text}: {means}", _ROWS)
    for end, order in _orders_within_groups(experiment):
        if experiment.respects(edge_permutation(order)):
            means = f"edges with the same {end} node may be exchanged, others may not: edges are taken as sorted by it"
            return explained("sorted-edges", f"{text}: {means}")
    count = len(element.edges or ())
    means = f"{counted(_changed_rows(experiment, count), 'row')} of {part} change if the first and the last edge of "
    return explained("edge-place", f"{text}: {means}{count} are exchanged: the place of an edge in the list is used")


def _orders_within_groups(experiment: Experiment) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yields, for each end of the edges, the order that reverses the edges with the same node at this end."""
    for _, tensor, how in experiment.inputs():
        if not (isinstance(how, NodeIndices) and how.edges is not None and tensor.dim() == 2 and len(tensor) == 2):
            continue
        for end, numbers in zip(("first", "second"), tensor.tolist(), strict=True):
            groups: dict[int, list[int]] = {}
            for place, number in enumerate(numbers):
                groups.setdefault(number, []).append(place)
            places = list(groups.values())
            order = moved_among(places, [range(len(own) - 1, -1, -1) for own in places], len(numbers))
            if order != tuple(range(len(numbers))):
                yield end, order


def _changed_rows(experiment: Experiment, count: int) -> int:
    """Returns the number of rows on the first axis that change if the first and the last edge are exchanged."""
    outcome = experiment.outcome(edge_permutation(cycles=[(0, count - 1)], size=count))
    if outcome.made is None or outcome.wanted is None or not outcome.comparable:
        return 0
    made, wanted = (t.double().reshape(len(t) if t.dim() else 1, -1) for t in (outcome.made, outcome.wanted))
    largest = float(wanted.abs().max()) if wanted.numel() else 0.0
    return int(torch.sum((made - wanted).abs().amax(dim=1) > max(experiment.tolerance, 1e-9) * largest))
