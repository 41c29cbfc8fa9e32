"""Finds a layer that was not given the batch vector: the number of the sample of each node.

`batch` calls the experiment. It hands a batch vector to the layer and measures the error again.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explanation import Explanation, explained
from equivariance._engine.laws.forms import SelectionLaw
from equivariance._engine.laws.representation import InferredRepresentation
from equivariance.contracts.signature import parameters_of
from equivariance.representations.axes import Concatenated
from equivariance.representations.base import Representation
from equivariance.representations.standard import NodeIndices

_GONE = 1e-6
"""Share of an error below which it has vanished."""


def explain_missing_batch_vector(experiment: Experiment, text: str) -> Explanation | None:
    """Returns the explanation if the error vanishes once a batch vector is handed to the layer.

    Args:
        experiment: The suspect under a selection of samples.
        text: What is known of the output, in words.
    """
    for name, layout, rows in _unused_parameters(experiment):
        numbers = torch.repeat_interleave(torch.arange(len(layout)), torch.tensor(layout))
        how = NodeIndices(nodes=None, batch=Concatenated(0, tuple(layout)), permuted=False, per_sample=1)
        other = experiment.with_argument(name, numbers, how) if len(numbers) == rows else None
        error = other.outcome(experiment.element).error if other is not None else experiment.error
        if error <= max(experiment.tolerance, _GONE * experiment.error):
            layer = experiment.owner.layer or "the whole"
            return explained(
                "missing-batch-vector", f"{text}; with the batch vector handed to {layer} as {name}, it changes by "
                f"{error:.1g}: without it, all nodes of the batch count as one sample",
                f"Hand over the batch vector: {name}={name}.",
            )  # fmt: skip
    return None


def _unused_parameters(experiment: Experiment) -> Iterator[tuple[str, list[int], int]]:
    """Yields parameters of the layer that look like a batch vector and hold none, with the sizes of the samples."""
    tried = (sizes_of_samples(tensor, how, experiment.element.of) for _, tensor, how in experiment.inputs())
    sizes = next((found for found in tried if found), None)
    given = experiment.reference.inputs.get(experiment.owner, {})
    if sizes is None:
        return
    module = experiment.runner.module(experiment.state, experiment.runner.reference_dtype)
    for name in parameters_of(module.get_submodule(experiment.owner.layer).forward, ()):
        value = given.get(name)
        constant = isinstance(value, torch.Tensor) and not value.is_floating_point() and len(value.unique()) == 1
        if "batch" in name and (value is None or constant):
            yield name, sizes, sum(sizes)


def sizes_of_samples(tensor: torch.Tensor, how: Representation, count: int) -> list[int] | None:
    """Returns the numbers of rows of the samples that lie one after the other along the first axis; None if none do."""
    law = dict(how.laws).get("batch") if isinstance(how, InferredRepresentation) else None
    if isinstance(law, SelectionLaw):
        return list(law.sizes) if law.axis == 0 and law.sizes else None
    layout = how.concatenated
    if layout is None or tensor.dim() == 0 or layout.axis % tensor.dim() != 0:
        return None
    if layout.sizes is None and len(tensor) % count:  # a container knows the sizes, and its fields do not
        return None
    return [size for _, size in layout.segments(len(tensor), count)]
