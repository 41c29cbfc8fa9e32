"""Finds an operation that joins two lists which follow different orders.

Each list has the same rows after nodes or edges were reordered, in some order; the rows of both lists side by side do
not occur before. `permutation` and `edge_order` call the experiment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import torch
from torch import Tensor

from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explanation import Explanation, explained
from equivariance._engine.instrumentation.operations import Operation
from equivariance._engine.instrumentation.perturbations import noisy_everywhere
from equivariance._engine.instrumentation.tape import Tape
from equivariance._engine.localization.slicing import divergence
from equivariance.contracts.nested import UNSPECIFIED, leaves
from equivariance.groups.elements import Transform

_MOST_ROWS = 4096
_MOST_OPERATIONS = 2000

_DIGITS = 1e-8
"""Rows are equal if they agree up to this share of the largest entry."""


def explain_joined_orders(experiment: Experiment, text: str) -> Explanation | None:
    """Returns the explanation if an operation joins two lists whose orders differ.

    Args:
        experiment: The suspect under a permutation.
        text: What is known of the output, in words.
    """
    element = experiment.element
    plain, moved = experiment.recorded(Transform()), experiment.recorded(element)
    if plain is None or moved is None or divergence(plain, moved) is not None:
        return None
    for event in _events(experiment, plain):
        for pair in combinations(dict.fromkeys(event.reads), 2):
            if _is_joined(pair, plain, moved, element) and _both_change(pair, experiment, plain):
                where = f" at {Path(event.place.file).name}:{event.place.line}" if event.place else ""
                found = explained(
                    "joined-orders", f"{text}: {event.name}{where} joins two lists of {len(plain.values[pair[0]])} "
                    "rows; each holds the same rows as before, in an order of its own, and other rows meet",
                )  # fmt: skip
                return replace(found, origin=_maker_of_second_order(experiment, plain, moved, pair))
    return None


def _maker_of_second_order(experiment: Experiment, plain: Tape, moved: Tape, pair: tuple[int, ...]) -> Operation:
    """Returns the later of the operations that gave two lists their orders."""
    makers = [_maker_of_order(experiment, plain, moved, number) for number in pair]
    return max(makers, key=lambda made: made[0])[1]


def _maker_of_order(
    experiment: Experiment, plain: Tape, moved: Tape, number: int
) -> tuple[tuple[float, int], Operation]:
    """Returns the operation that made the order of a list: it read no list of this length, or one in another order.

    If a list of numbers chooses the rows, their order is that of the numbers. A list that another layer made is
    followed into that layer.

    Returns:
        The time of the operation, and the operation.
    """
    producers = {n: index for index, event in enumerate(plain.events) for n in event.writes}
    length = len(plain.values[number])
    while True:
        index = producers[number]
        lists = [n for n in plain.events[index].reads if n < number and length in plain.values[n].shape]
        if not lists:
            break
        other = min(lists, key=lambda n: plain.values[n].is_floating_point())
        if _is_joined((number, other), plain, moved, experiment.element):
            break
        number = other
    calls = list(experiment.reference.outputs)
    if plain.events[index].name == "given":
        inside = _in_the_layer_that_made(experiment, plain.values[number])
        return inside or ((-1.0, index), plain.events[index])
    return (float(calls.index(experiment.owner)), index), plain.events[index]


def _in_the_layer_that_made(experiment: Experiment, value: Tensor) -> tuple[tuple[float, int], Operation] | None:
    """Returns the operation that made the order of a list, in the layer that gave the list; None if none did."""
    for call, output in experiment.reference.outputs.items():
        if call == experiment.owner:  # later calls made nothing that this one was given
            return None
        if not any(torch.equal(t, value) for _, t, _ in leaves(output, UNSPECIFIED)):
            continue
        inner = replace(experiment, owner=call, intervention=None)
        plain, moved = inner.recorded(Transform()), inner.recorded(inner.element)
        if plain is not None and moved is not None and divergence(plain, moved) is None:
            number = next((n for n, v in reversed([*enumerate(plain.values)]) if torch.equal(v, value)), None)
            return None if number is None else _maker_of_order(inner, plain, moved, number)
    return None


def _events(experiment: Experiment, plain: Tape) -> Iterator[Operation]:
    """Yields the operations of the statement at fault, then all operations of the call."""
    place = experiment.statement.place if experiment.statement else None
    events = plain.events[:_MOST_OPERATIONS]
    yield from (event for event in events if place is not None and place in event.places)
    yield from events


def _is_joined(pair: tuple[int, ...], plain: Tape, moved: Tape, element: Transform) -> bool:
    """True if both values are lists of the same rows in other orders, and the rows side by side are others."""
    before, after = ([tape.values[n] for n in pair] for tape in (plain, moved))
    shapes = [v.shape for v in before]
    if any(len(s) == 0 for s in shapes) or shapes[0][0] != shapes[1][0] or not 1 < shapes[0][0] <= _MOST_ROWS:
        return False
    if shapes != [v.shape for v in after]:
        return False
    rows = [(_rows(a), _rows(_renumbered(b, element))) for a, b in zip(before, after, strict=True)]
    if not all(_are_reordered(a, b) for a, b in rows) or all(torch.equal(a, b) for a, b in rows):
        return False
    return not _are_reordered(*(torch.cat(side, 1) for side in zip(*rows, strict=True)))


def _both_change(pair: tuple[int, ...], experiment: Experiment, plain: Tape) -> bool:
    """True if both lists depend on the inputs, or list node numbers: a list of constants follows no order."""
    other = experiment.with_inputs(noisy_everywhere(0.1, experiment.seed))
    tape = None if other is None else other.recorded(Transform())
    if tape is None or divergence(plain, tape) is not None:
        return False
    floats = [n for n in pair if plain.values[n].is_floating_point()]
    return bool(floats) and all(not torch.equal(plain.values[n], tape.values[n]) for n in floats)


def _renumbered(value: Tensor, element: Transform) -> Tensor:
    """Returns whole numbers below the number of nodes as the numbers that the nodes had before."""
    order = element.order
    if value.is_floating_point() or value.dtype == torch.bool or order is None or not value.numel():
        return value
    inside = int(value.min()) >= 0 and int(value.max()) < len(order)
    return torch.tensor(order, device=value.device)[value.long()] if inside else value


def _rows(value: Tensor) -> Tensor:
    """Returns a list as rows, [rows, entries], float64, in units of its largest entry."""
    rows = value.detach().cpu().double().reshape(len(value), -1)
    return rows / (float(rows.abs().max()) or 1.0) if value.is_floating_point() else rows


def _are_reordered(left: Tensor, right: Tensor) -> bool:
    """True if the rows are the same, in any order."""
    if left.shape != right.shape:
        return False
    ordered = [rows[_lexicographic(rows)] for rows in (left, right)]
    return bool(((ordered[0] - ordered[1]).abs() <= _DIGITS).all())


def _lexicographic(rows: Tensor) -> Tensor:
    """Returns the order that sorts rows by their entries, the first entry first, with rounding noise left out."""
    order = torch.arange(len(rows), device="cpu")
    for column in reversed(range(rows.shape[1])):
        keys = (rows[order, column] / (10 * _DIGITS)).round()
        order = order[keys.argsort(stable=True)]
    return order
