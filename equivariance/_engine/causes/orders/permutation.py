"""Explains why a layer depends on the order of the nodes; `edge_order` does so for edges.

`explain` calls it for the symmetry "permutation". If the statement at fault is known, its
operations give a more precise explanation than the rows that change.
"""

from __future__ import annotations

from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explanation import Explanation, explained
from equivariance._engine.causes.orders.edge_order import explain_edges
from equivariance._engine.causes.orders.joined_orders import explain_joined_orders
from equivariance._engine.causes.orders.preferred_nodes import explain_preference, explain_seen_choice
from equivariance._engine.causes.orders.row_matching import reordered
from equivariance._engine.instrumentation.operations import NUMBERED
from equivariance._engine.instrumentation.perturbations import noisy
from equivariance._words import counted
from equivariance.groups.elements import Transform
from equivariance.groups.reorderings import arranged, exchange, movable_rows


def explain_permutation(experiment: Experiment, element: Transform, part: str) -> Explanation:
    """Returns the explanation: node numbers, a running sum, a special node, a tie, or rows in the order of a search."""
    if element.order is None:
        return explain_edges(experiment, element, part)
    text = f"another node order changes {part} by {experiment.outcome(element).error:.2g}"
    found = _explain_moved_rows(experiment, text) or _explain_tie(experiment, text)
    return found or _explain_exchanges(experiment, element, text, part)


def _explain_moved_rows(experiment: Experiment, text: str) -> Explanation | None:
    outcome = experiment.outcome(experiment.element)
    if outcome.made is not None and outcome.wanted is not None and outcome.comparable:
        moved = reordered(outcome.made, outcome.wanted, max(experiment.tolerance, 1e-9))
        if moved and outcome.made.is_floating_point():
            return explained(
                "row-order",
                f"{text}: the same rows come in another order ({moved[0]} of {moved[1]} moved), by place and not by "
                "node",
                "Return rows in the order of the nodes, or declare that no axis lists nodes (nodes=None).",
            )
    return None


def _explain_tie(experiment: Experiment, text: str) -> Explanation | None:
    other = experiment.with_inputs(noisy(1e-3, experiment.seed))
    if other is None or not other.respects(experiment.element):
        return None
    return explained(
        "tie-by-order", f"{text}, and no longer once the input is moved by a thousandth: node numbers decide a tie"
    )


def _explain_exchanges(experiment: Experiment, element: Transform, text: str, part: str) -> Explanation:
    """Returns the explanation from exchanges of two nodes, a shift and a reversal, and from the statement."""
    rows = _rows_of_moved_sample(experiment, element)
    size, middle = len(rows), rows[len(rows) // 2 :][:2]
    first = _count_changed_rows(experiment, rows[:2])
    later = _count_changed_rows(experiment, middle)
    far = _count_changed_rows(experiment, rows[:1] + rows[-1:])
    if first is None or later is None or far is None:
        found = _explain_by_operation(experiment, text) or explain_joined_orders(experiment, text)
        return found or Explanation("order-dependent", f"{text}: {_GENERIC}")
    if first and far and not later and size > 3 and not _count_changed_rows(experiment, [rows[1], rows[-1]]):
        return explained(
            "special-node",
            f"{text}: exchanging nodes {rows[0]} and {rows[1]} changes {counted(first, 'row')}, {middle[0]} and "
            f"{middle[1]} none: a node is special by its number",
        )
    seen = (
        f"{text}: exchanging nodes {rows[0]} and {rows[1]} changes {counted(first, 'row')} of {part}, {rows[0]} and "
        f"{rows[-1]} changes {far}"
    )
    return _explain_by_operation(experiment, seen) or _explain_by_changed_rows(experiment, seen, size, first, far)


def _explain_by_operation(experiment: Experiment, text: str) -> Explanation | None:
    """Returns the explanation that the operations of the statement at fault support; None if none is known."""
    for names, mechanism, means in _OPERATIONS:
        found = [name for name in experiment.operations if name in names]
        if found:
            return explained(mechanism, f"{text}: {means} ({found[0].removeprefix(NUMBERED)})")
    return None


def _explain_by_changed_rows(experiment: Experiment, text: str, size: int, first: int, far: int) -> Explanation:
    """Returns the explanation that the rows which change support."""
    setting = experiment.runs.sizes
    turned = arranged(setting, lambda count: [*range(1, count), 0])
    reverse = arranged(setting, lambda count: range(count - 1, -1, -1))
    if size > 3 and experiment.respects(turned):
        means = "shifting all nodes by one changes nothing: each node reads the next ones in the list"
        return explained("list-neighbour", f"{text}; {means}")
    seen = explain_joined_orders(experiment, text) or explain_seen_choice(experiment, text)
    if seen:
        return seen
    if size > 3 and experiment.respects(reverse):
        means = "reversing the list changes nothing: how far apart two nodes stand in it, |i - j|, is used"
        return explained("list-distance", f"{text}; {means}")
    return explain_preference(text) if not first and far else _explain_counts(text, first, far)


def _explain_counts(text: str, first: int, far: int) -> Explanation:
    """Returns the explanation from the rows that change if the first two, and the first and the last node exchange."""
    if 0 < first <= 2 and far <= 2:
        return explained("node-number", f"{text}: each node's own number is used as data")
    if 0 < first < far:
        means = "nodes read those before them in the list (a running sum, a causal mask or a recurrence over nodes)"
        return explained("running-sum", f"{text}: {means}")
    return Explanation("order-dependent", f"{text}: {_GENERIC}")


_GENERIC = "node numbers, or places in a list, are used as data"

_OPERATIONS = (
    ((f"{NUMBERED}cumsum",), "neighbour-cap",
     "entries are counted in the order of the nodes, as a cap on their number does"),
    (("radius", "radius_graph"), "neighbour-cap", "neighbours are searched in the order of the nodes, up to a number"),
    (("cumsum", "cumprod", "logcumsumexp", "cummax", "cummin", "lstm", "gru", "rnn_tanh"), "running-sum",
     "nodes read those before them in the list"),
    (("tril", "triu"), "running-sum", "nodes only read those before them in the list, as by a causal mask"),
    (("roll", "diff", "convolution", "unfold"), "list-neighbour", "each node reads the next ones in the list"),
    ((f"{NUMBERED}embedding", f"{NUMBERED}_to_copy"), "node-number", "node numbers are turned into features"),
)  # fmt: skip
"""Names of operations, the mechanism if the order of nodes decides, and its meaning."""


def _rows_of_moved_sample(experiment: Experiment, element: Transform) -> list[int]:
    """Returns the nodes of the first sample in which an element moves a node; those of any sample if all are alike."""
    samples = [list(rows) for rows in movable_rows(experiment.runs.sizes)]
    order = element.order or ()
    return next((rows for rows in samples if any(order[i] != i for i in rows if i < len(order))), samples[0])


def _count_changed_rows(experiment: Experiment, pair: list[int]) -> int | None:
    """Returns the number of rows on the first axis that change if two nodes are exchanged; None if it is unknown."""
    if len(set(pair)) < 2:
        return None
    outcome = experiment.outcome(exchange(experiment.runs.sizes, *pair))
    if outcome.made is None or outcome.wanted is None or not outcome.comparable or outcome.made.dim() == 0:
        return None
    difference = (outcome.made.double() - outcome.wanted.double()).abs().reshape(len(outcome.made), -1).amax(dim=1)
    largest = float(outcome.wanted.double().abs().max())
    return int((difference > max(experiment.tolerance, 1e-9) * largest).sum())
