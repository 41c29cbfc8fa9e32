"""Tools that people use today: e3nn's assertion, and a comparison of two runs layer by layer through hooks."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import torch
from e3nn.util.test import assert_equivariant
from torch import Tensor, nn

from benchmarks.defects.case import Case, Example
from benchmarks.defects.direct import SYMMETRIES, Move, act, flat, moves, nodes_of
from equivariance import CartesianPoints, Invariant

CLOSE = {torch.float32: 1e-4, torch.float64: 1e-9}
"""Relative tolerance of the comparison by hooks."""


@dataclass(frozen=True)
class Peer:
    """True values for an alarm, and for the right layer if one is named."""

    alarm: bool = False
    layer: bool = False


NOTHING = Peer()


def library_assertion(case: Case, example: Example, dtype: torch.dtype, seed: int) -> Peer:
    """e3nn's ``assert_equivariant`` with its own tolerance: rotations, and inversion and translation where claimed."""
    claimed = {s for group in case.groups for s in SYMMETRIES[group]}
    moving = [i for i, a in enumerate(example.args) if isinstance(a, Tensor) and a.is_floating_point()]
    if not moving:
        return Peer()

    def function(*given: Tensor) -> list[Tensor]:
        arguments = list(example.args)
        for i, value in zip(moving, given, strict=True):
            arguments[i] = value
        return flat(example.module(*arguments))

    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    logging.getLogger("e3nn.util.test").setLevel(logging.ERROR)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            assert_equivariant(
                function, [example.args[i] for i in moving], [_word(example.irreps_in[i]) for i in moving],
                [_word(s) for s in flat(example.irreps_out)], do_parity="inversion" in claimed,
                do_translation="translation" in claimed,
            )  # fmt: skip
    except AssertionError:
        return Peer(alarm=True)
    finally:
        torch.set_default_dtype(default)
    return Peer()


def _word(spec: Any) -> Any:
    """A representation in e3nn's words."""
    if isinstance(spec, CartesianPoints):
        return "cartesian_points"
    return None if isinstance(spec, Invariant) else getattr(spec, "irreps", spec)


def first_red_layer(case: Case, example: Example, seed: int) -> Peer:
    """Under the first symmetry that the output breaks: the first layer whose outputs obey no law that is tried.

    The laws: unchanged, rotated along a last axis of 3, rotated and moved, each also in the new order of nodes or
    samples along any axis of that length.
    """
    for symmetry in (s for group in case.groups for s in SYMMETRIES[group]):
        move = moves(symmetry, seed, nodes_of(example))[0]
        moved = tuple(act(a, s, move) for a, s in zip(example.args, example.irreps_in, strict=True))
        reference, wanted = _recorded(example.module, example.args)
        transformed, got = _recorded(example.module, moved)
        wanted = act(wanted, example.irreps_out, move)
        if all(_close(a, b) for a, b in zip(flat(got), flat(wanted), strict=True)):
            continue
        red = next((n for (n, a), (_, b) in zip(reference, transformed, strict=False) if not _lawful(a, b, move)), "")
        return Peer(True, case.truth is not None and red in case.truth.layers)
    return Peer()


def _recorded(module: nn.Module, args: tuple[Any, ...]) -> tuple[list[tuple[str, list[Tensor]]], Any]:
    """Returns the results of each layer, in the order in which they finished, and the output."""
    made: list[tuple[str, list[Tensor]]] = []

    def hook(name: str) -> Any:
        def keep(_module: nn.Module, _args: Any, output: Any) -> None:
            made.append((name, [t.detach() for t in flat(output) if isinstance(t, Tensor) and t.is_floating_point()]))

        return keep

    handles = [layer.register_forward_hook(hook(name)) for name, layer in module.named_modules()]
    try:
        return made, module(*args)
    finally:
        for handle in handles:
            handle.remove()


def _lawful(before: list[Tensor], after: list[Tensor], move: Move) -> bool:
    return len(before) == len(after) and all(
        any(_close(b, candidate) for candidate in _candidates(a, move)) for a, b in zip(before, after, strict=True)
    )


def _candidates(value: Tensor, move: Move) -> list[Tensor]:
    found = [value]
    if value.dim() and value.shape[-1] == 3:
        rotated = value @ move.matrix.to(value).T
        found += [rotated, rotated + move.shift.to(value)]
    for index in (move.order, move.chosen):
        if index is not None:
            axes = range(value.dim())
            found += [value.index_select(a, index) for a in axes if value.shape[a] > int(index.max())]
    return found


def _close(a: Tensor, b: Tensor) -> bool:
    if a.shape != b.shape:
        return False
    difference, size = float((a - b).detach().norm()), float(b.detach().norm())
    return difference <= CLOSE.get(a.dtype, 0.0) * max(size, 1e-6)
