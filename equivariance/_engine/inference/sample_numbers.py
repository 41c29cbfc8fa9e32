"""Finds by a run that a vector gives each node the number of its sample, where neither its name nor the data say so.

`diagnosis.request` calls `follow_samples` before laws are tried. Vectors that the data show are recognized in
`contracts.graph_fields`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import torch

from equivariance._engine.inference.output_runs import tensors
from equivariance._engine.instrumentation.testbed import ModelState
from equivariance._engine.measurement.prepare import Prepared
from equivariance._engine.measurement.survey_results import Trial
from equivariance._engine.measurement.transformed_runs import TransformedRuns
from equivariance.contracts import field_names
from equivariance.contracts.assumption import Path
from equivariance.contracts.graph_fields import doubtful_numbers
from equivariance.contracts.inputs import Inputs
from equivariance.errors import ArgumentError, TransformedInputError
from equivariance.groups.elements import samples
from equivariance.representations.axes import Concatenated


def doubtful_vectors(inputs: Inputs) -> Iterator[torch.Tensor]:
    """Yields the inputs that may be sample numbers, in containers whose samples are not known."""
    containers: defaultdict[Path, dict[str, torch.Tensor]] = defaultdict(dict)
    for a in inputs.assumptions:
        containers[a.path[:-1]][field_names.plain(str(a.path[-1]))] = a.value
    known = {a.path[:-1] for a in inputs.assumptions if isinstance(a.representation.batch, Concatenated)}
    for path, values in containers.items():
        if path not in known:
            yield from doubtful_numbers(values)


def follow_samples(ready: Prepared) -> bool:
    """True if a tensor of the output has a row for each sample, and keeps the rows of the samples that are selected.

    Args:
        ready: The call, with its inputs read as samples one after the other.
    """
    runner, count = ready.runner, ready.call.sizes.samples or 0
    rows = {path: tensor.shape[:1] for path, tensor in tensors(runner.output)}
    one = samples([0], of=count)
    try:
        made = TransformedRuns(runner, ready.call.sizes).output(Trial(one, ModelState()))
    except (ArgumentError, TransformedInputError):
        return False
    return any(rows.get(path) == (count,) and tensor.shape[:1] == (1,) for path, tensor in tensors(made))
