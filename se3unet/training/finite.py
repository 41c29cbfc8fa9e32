"""Finds the layer that produced the first NaN or infinity.

`module` calls it after a number was not finite. A training without such numbers only pays for `is_finite`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from se3unet.layers.pool import PooledCloud


class NotFiniteError(ValueError):
    """A heatmap, a gradient or a weight is NaN or infinite; the message names the layer."""


def is_finite(tensors: Iterable[Tensor]) -> bool:
    """True if all numbers are finite."""
    return all(bool(tensor.isfinite().all()) for tensor in tensors)


def explain_heatmaps(model: nn.Module, inputs: Any) -> str:
    """Runs the model again on inputs whose heatmaps were not finite, and names the first layer at fault."""
    broken = [name for name, weight in model.named_parameters() if not is_finite([weight])]
    if broken:
        return f"the weights {', '.join(broken[:3])} are NaN or infinite"
    with torch.no_grad(), _record_not_finite(model) as found:
        model(inputs)
    return f"layer {found[0]} is the first whose output is" if found else "a second run gives finite ones"


def explain_gradients(model: nn.Module) -> str:
    """Names the last layers of the network whose weights have gradients that are not finite: their origin."""
    named = [name for name, weight in model.named_parameters() if weight.grad is not None]
    broken = [name for name in named if not is_finite([model.get_parameter(name).grad])]  # type: ignore[list-item]
    return f"the gradients of {', '.join(broken[-3:])} ({len(broken)} of {len(named)} weights) are NaN or infinite"


@contextmanager
def _record_not_finite(model: nn.Module) -> Iterator[list[str]]:
    """Yields the list of layers whose output is not finite, in order of return: inner layers before outer layers."""
    found: list[str] = []

    def look(name: str, layer: nn.Module) -> None:
        def hook(_module: nn.Module, _arguments: Any, output: Any) -> None:
            if not is_finite(_tensors(output)):
                found.append(f"{name or 'the network'} ({type(layer).__name__})")

        handles.append(layer.register_forward_hook(hook))

    handles: list[Any] = []
    try:
        for name, layer in model.named_modules():
            look(name, layer)
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _tensors(output: Any) -> Iterator[Tensor]:
    """Yields the floating-point tensors of an output. Fibers are dicts of tensors; graphs are skipped."""
    if isinstance(output, Tensor):
        if output.is_floating_point():
            yield output
    elif isinstance(output, dict):
        for value in output.values():
            yield from _tensors(value)
    elif isinstance(output, tuple | list):
        for value in output:
            yield from _tensors(value)
    elif isinstance(output, PooledCloud):
        yield from _tensors(output.fibers)
