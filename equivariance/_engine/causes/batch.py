"""Explains why a network couples the samples of a batch.

`explain` calls it for the symmetry "batch". Which statement couples them is decided in `localization`.
"""

from __future__ import annotations

from collections.abc import Sequence

from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explanation import Explanation, explained
from equivariance._engine.causes.missing_batch_vector import explain_missing_batch_vector
from equivariance._engine.causes.operation_words import NORMALIZING, SUMMING
from equivariance.groups.elements import Transform, samples


def explain_batch(experiment: Experiment, element: Transform, part: str) -> Explanation:
    """Returns the explanation: statistics or sums over the batch, or the place of a sample in it."""
    count, error = experiment.element.of, experiment.outcome(element).error
    chosen = list(element.samples or ())
    text = (
        f"the result for samples {chosen} out of {count} changes by {error:.2g} when the batch is made of these alone"
    )
    if count == 1:
        repeated = f"a sample's result changes by {error:.2g} where it is repeated in the batch"
        return Explanation("batch-coupled", repeated)
    missing = explain_missing_batch_vector(experiment, text)
    if missing is not None:
        return missing
    orders = [samples(range(count - 1, -1, -1), of=count), samples([*range(1, count), 0], of=count)]
    twice = experiment.outcome(samples([*range(count), *range(count)], of=count)).error
    if not all(experiment.respects(order) for order in orders):
        changed = max(experiment.outcome(order).error for order in orders)
        return explained(
            "batch-place",
            f"{text}, and by {changed:.2g} when all samples are only reordered: it depends on its place in the batch",
        )
    if twice <= max(experiment.tolerance, 1e-4 * experiment.error):
        return explained(
            "batch-statistics",
            f"{text}, not when samples are reordered or all are repeated: statistics (mean, variance, maximum) are "
            "taken over the batch",
        )
    return explained(
        "batch-sum",
        f"{text}, and by {twice:.2g} when every sample is repeated, not when samples are reordered: "
        f"{_describe_growth(experiment.operations)}",
    )


def _describe_growth(operations: Sequence[str]) -> str:
    """Returns what depends on the number of samples, by the operations of the statement at fault, if it is known."""
    softmax = next((words for name, words in NORMALIZING.items() if name in operations), None)
    if softmax is not None:
        return f"{softmax} runs over the whole batch"
    summing = next((name for name in operations if name in SUMMING), None)
    if summing is not None:
        return f"a sum runs over the whole batch ({summing})"
    return "it depends on the number of samples" + ("" if operations else ", as a sum or a softmax over the batch does")
