"""Runs one layer by itself on exactly transformed inputs; the layers that it calls answer exactly and for nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from equivariance.bench import Bench, State
from equivariance.contract import bind
from equivariance.elements import Transform
from equivariance.handlers import COURSE, DIVERGED, Introduced, Site
from equivariance.probe import Call, buffers_kept, call_with, preserved


class _OtherCourse(Exception):
    """The layer called something that it had not called in the reference run."""


def judge(bench: Bench, state: State, element: Transform, owner: Call) -> Introduced:
    """The errors and the values of everything that one call's own code makes under ``element``.

    Costs what the layer's own statements cost, whatever it calls.
    """
    reference = bench.reference(state)
    handler = Introduced(reference, element, bench.main, keep=True)
    module = bench.module(state, bench.main)
    layer = module.get_submodule(owner.layer)
    arguments = {name: handler.exact(Site(owner, name)) for name in reference.inputs[owner]}
    with preserved(bench.main, bench.seed, bench.gradients), buffers_kept(module), _answered(module, handler, owner):
        try:
            handler.leave(owner, call_with(layer, arguments))
        except _OtherCourse:
            handler.errors[Site(owner, COURSE)] = DIVERGED
        else:
            handler.finish(owner)
    return handler


@contextmanager
def _answered(module: torch.nn.Module, handler: Introduced, owner: Call) -> Iterator[None]:
    """Put the reference's answers in place of the layers that ``owner`` calls."""
    calls: defaultdict[str, list[Call]] = defaultdict(list)
    for call, caller in handler.reference.callers.items():
        if caller == owner:
            calls[call.layer].append(call)
    with ExitStack() as undo:
        for name, expected in calls.items():
            child = module.get_submodule(name)
            undo.callback(_restore, child, vars(child).get("forward"))
            child.forward = _answer(handler, owner, child.forward, expected)
        yield


def _answer(handler: Introduced, owner: Call, forward: Callable[..., Any], expected: list[Call]) -> Callable[..., Any]:
    remaining = iter(expected)

    def answer(*args: Any, **kwargs: Any) -> Any:
        call = next(remaining, None)
        if call is None:
            raise _OtherCourse
        handler.enter(call, owner, bind(forward, args, kwargs))
        return handler.exact(Site(call))

    return answer


def _restore(child: torch.nn.Module, forward: Callable[..., Any] | None) -> None:
    if forward is None:
        del child.forward
    else:
        child.forward = forward
