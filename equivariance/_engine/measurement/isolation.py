"""Runs one layer call in isolation, on exactly transformed inputs.

Calls to submodules do not run: they return their recorded, exactly transformed outputs. The layer draws the random
numbers that it drew in the recorded run. `transformed_runs`, `rounding_floors`, `localization` and `causes` start these
runs. Their handlers compare the values that the layer makes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

import torch

from equivariance._engine.instrumentation.hooks import LayerCall, RunHandler, attributes_kept, buffers_kept, call_with
from equivariance._engine.instrumentation.random_states import resume
from equivariance._engine.instrumentation.reference import CONTROL_FLOW, ReferenceRun, Site
from equivariance._engine.instrumentation.testbed import ModelState, Runner
from equivariance._engine.measurement.comparisons import DIVERGED, Errors
from equivariance.contracts.signature import bind


class _Diverged(Exception):
    """Raised if the layer makes a call that the reference run does not have."""


class IsolationHandler(RunHandler, Protocol):
    """A handler that supplies the values of called layers and compares the values that pass.

    Attributes:
        reference: The reference run.
        errors: Site -> errors of the value there.
    """

    reference: ReferenceRun
    errors: dict[Site, Errors]

    def exact(self, site: Site) -> Any:
        """Returns the value that passes at `site` in place of the layer's own."""

    def finish(self, caller: LayerCall) -> None:
        """Records that `caller` has returned."""


def run_isolated(
    runner: Runner, state: ModelState, owner: LayerCall, handler: IsolationHandler, dtype: torch.dtype
) -> None:
    """Runs one call's own code in `dtype`, on the values of `handler`, and passes the results to `handler`.

    The cost is that of the layer's own statements: the layers that it calls do not run.

    Raises:
        TimeLimitReached: If no time is left.
    """
    runner.deadline.check()
    module = runner.module(state, dtype)
    layer = module.get_submodule(owner.layer)
    arguments = {name: handler.exact(Site(owner, name)) for name in handler.reference.inputs[owner]}
    kept, states = (buffers_kept(layer), attributes_kept(layer)), handler.reference.random_states
    conditions = runner.conditions(dtype, draws=states.moved or None)
    with conditions, kept[0], kept[1], _replace_submodules(module, handler, owner):
        resume(states.begun, owner)
        try:
            handler.leave(owner, call_with(layer, arguments))
        except _Diverged:
            handler.errors[Site(owner, CONTROL_FLOW)] = DIVERGED
        else:
            handler.finish(owner)


@contextmanager
def _replace_submodules(module: torch.nn.Module, handler: IsolationHandler, owner: LayerCall) -> Iterator[None]:
    """Replaces the layers that `owner` calls by their recorded outputs."""
    calls: defaultdict[str, list[LayerCall]] = defaultdict(list)
    for call, caller in handler.reference.callers.items():
        if caller == owner:
            calls[call.layer].append(call)
    with ExitStack() as undo:
        for name, expected in calls.items():
            child = module.get_submodule(name)
            undo.callback(_restore, child, vars(child).get("forward"))
            child.forward = _answer(handler, owner, child.forward, expected)
        yield


def _answer(
    handler: IsolationHandler, owner: LayerCall, forward: Callable[..., Any], expected: list[LayerCall]
) -> Callable[..., Any]:
    remaining = iter(expected)

    def answer(*args: Any, **kwargs: Any) -> Any:
        call = next(remaining, None)
        if call is None:
            raise _Diverged
        handler.enter(call, owner, bind(forward, args, kwargs))
        resume(handler.reference.random_states.ended, call)
        return handler.exact(Site(call))

    return answer


def _restore(child: torch.nn.Module, forward: Callable[..., Any] | None) -> None:
    if forward is None:
        vars(child).pop("forward", None)  # an interrupt may come before it is set
    else:
        child.forward = forward
