"""Compares f(g x) with g f(x) in float64, in plain PyTorch. Nothing of `equivariance` is imported."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from benchmarks.mutants.example import Example
from benchmarks.mutants.motions import motion

ELEMENTS = 32
HELD, LIMIT = 1e-9, 1e-8
"""A symmetry of an unchanged module holds if its largest relative error is at most `HELD`, since some libraries make
constants in float32. A mutant breaks it if the error is larger than `LIMIT`: a value rounded to float32 causes more."""


class Incomparable(Exception):
    """The module raises, or its result is not finite."""


def errors(example: Example, seed: int = 0) -> dict[str, float]:
    """Returns the largest relative error of each claimed symmetry; 0 for what noise in the last bit explains.

    The module runs in float64, with given and with perturbed weights, in every mode. The 32 elements of a symmetry are
    spread over these states. A symmetry that is found broken is not compared again.

    Raises:
        Incomparable: If the module raises, or its result is not finite.
    """
    exact = {n: v.double() if v.is_floating_point() else v for n, v in example.tensors.items()}
    largest = dict.fromkeys(example.symmetries, 0.0)
    states = 2 * len(example.modes)
    for state, module in enumerate(_modules(example, seed)):
        plain = _run(example, module, exact)
        noisy = {n: v * (1 + 2e-16 * torch.randn_like(v)) if v.is_floating_point() else v for n, v in exact.items()}
        noise = max(_error(_run(example, module, given), plain) for given in (noisy, exact))
        for symmetry, element in ((s, e) for s in largest for e in range(state, _count(s, states), states)):
            if largest[symmetry] <= LIMIT:
                g = motion(symmetry, example, element)
                wanted = [g.moved(value, law) for value, law in zip(plain, example.results, strict=True)]
                moved = {name: g.moved(value, example.laws[name]) for name, value in exact.items()}
                error = _error(_run(example, module, moved), wanted)
                largest[symmetry] = max(largest[symmetry], error if error > 100 * noise else 0.0)
    return largest


def _count(symmetry: str, states: int) -> int:
    """Returns the number of elements; there is one inversion only, which each state gets."""
    return states if symmetry == "inversion" else ELEMENTS


def _modules(example: Example, seed: int) -> Iterator[nn.Module]:
    """Yields the module in float64, with given and with perturbed weights, in every mode."""
    torch.manual_seed(seed)
    weights = [weight.double() for weight in example.make().parameters()]
    torch.set_default_dtype(example.built_in)
    try:
        fresh = example.make().double()
        torch.set_default_dtype(torch.float64)
        for factor in (0, 1):
            module = copy.deepcopy(fresh)
            for mine, its in zip(module.parameters(), weights, strict=True):
                scale = factor * (0.1 * its.std(correction=0) + 0.05) if its.numel() else 0.0
                mine.data = its.detach() + scale * torch.randn_like(its)
            for mode in example.modes:
                yield module.train(mode == "train")
    finally:
        torch.set_default_dtype(torch.float32)


def _run(example: Example, module: nn.Module, tensors: dict[str, Tensor]) -> list[Tensor]:
    torch.manual_seed(0)
    args, kwargs = example.arguments({name: value.clone() for name, value in tensors.items()})
    try:
        found = [value.detach().clone() for value in example.unpack(module(*args, **kwargs))]
    except Exception as error:  # of any kind: the code was changed at random
        raise Incomparable(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}") from error
    if not all(value.isfinite().all() for value in found):
        raise Incomparable("the result is not finite")
    return found


def _error(found: list[Tensor], wanted: list[Tensor]) -> float:
    """Returns the largest ||found - wanted|| / ||wanted||."""
    if any(f.shape != w.shape for f, w in zip(found, wanted, strict=True)):
        return math.inf
    pairs = [((f - w).norm(), w.norm()) for f, w in zip(found, wanted, strict=True)]
    return max(float(d / n) if n > 0 else math.inf if d > 0 else 0.0 for d, n in pairs)
