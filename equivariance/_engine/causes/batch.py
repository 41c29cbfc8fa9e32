"""Explains why a network couples the samples of a batch.

`explain` calls it for the symmetry "batch". Which statement couples them is decided in `localization`.
"""

from __future__ import annotations

from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explanation import Explanation
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
    orders = [samples(range(count - 1, -1, -1), of=count), samples([*range(1, count), 0], of=count)]
    twice = experiment.outcome(samples([*range(count), *range(count)], of=count)).error
    if not all(experiment.respects(order) for order in orders):
        changed = max(experiment.outcome(order).error for order in orders)
        return Explanation(
            "batch-coupled",
            f"{text}, and by {changed:.2g} when all samples are only reordered: it depends on its place in the batch",
            "Count nodes within each sample (offset node numbers by the sample's start), and read no sample by number.",
        )
    if twice <= max(experiment.tolerance, 1e-4 * experiment.error):
        return Explanation(
            "batch-coupled",
            f"{text}, not when samples are reordered or all are repeated: statistics (mean, variance, maximum) are "
            "taken over the batch",
            "Take statistics per sample, or running ones in evaluation mode (track_running_stats=True, model.eval()).",
        )
    return Explanation(
        "batch-coupled",
        f"{text}, and by {twice:.2g} when every sample is repeated, not when samples are reordered: a sum or a softmax "
        "runs over the whole batch",
        "Normalize and sum per sample: over the axis of the nodes only, or by the batch vector (scatter, index_add).",
    )
