"""A plain comparison of f(g x) with g f(x) in float64. Plain PyTorch: nothing of `equivariance` is imported."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nightly_tests.cloned.example import Example, Law

ELEMENTS = 16
LAST_BIT = "last bit"
GRID = 2.0**-20
LIMIT = 1e-9
"""A symmetry holds if its largest relative error in float64 is below."""


@dataclass
class Motion:
    """One element: a rotation, a shift, and the chosen nodes, edges and samples in their new order."""

    rotation: Tensor
    shift: Tensor
    chosen: dict[str, Tensor]

    def renumbered(self, values: Tensor, what: str) -> Tensor:
        """The new numbers of nodes or samples; -1 for what was not chosen."""
        if what not in self.chosen:
            return values
        new = torch.full((int(max(values.max(), self.chosen[what].max())) + 1,), -1)
        new[self.chosen[what]] = torch.arange(len(self.chosen[what]))
        return new[values]


def moved(value: Tensor, law: Law, motion: Motion) -> Tensor:
    """The tensor after the motion."""
    if law.moves:
        turned = value.movedim(law.axis, -1) @ motion.rotation.T
        value = (turned + motion.shift if law.moves == "point" else turned).movedim(-1, law.axis)
    if law.counts:
        value = motion.renumbered(value, law.counts)
    for what in ("nodes", "edges", "samples"):
        axes = getattr(law, what)
        for axis in () if axes is None or what not in motion.chosen else axes if isinstance(axes, tuple) else (axes,):
            value = value.index_select(axis, motion.chosen[what])
    return value


def draw(symmetry: str, example: Example, generator: torch.Generator) -> Motion:
    """A random element of one symmetry."""
    motion = Motion(torch.eye(3), torch.zeros(3), {})
    if symmetry == "translation":
        motion.shift = (3 / GRID * torch.randn(3, generator=generator)).round() * GRID
    if symmetry == "rotation":
        turned = torch.linalg.qr(torch.randn(3, 3, generator=generator))[0]
        motion.rotation = turned * turned.det()
    if symmetry == "inversion":
        motion.rotation = -motion.rotation
    of = {name: example.tensors[name] for name, law in example.laws.items() if law.counts == "samples"}
    if symmetry == "permutation":
        noise = torch.rand(_count(example, "nodes"), generator=generator)
        motion.chosen["nodes"] = (next(iter(of.values())) + noise if of else noise).argsort()
    if symmetry == "edges":
        noise = torch.rand(_count(example, "edges"), generator=generator)
        motion.chosen["edges"] = (next(iter(of.values()))[_sources(example)] + noise if of else noise).argsort()
    if symmetry == "batch":
        kept = torch.randperm(samples := _count(example, "samples"), generator=generator)
        motion.chosen["samples"] = kept = kept[: 1 + int(torch.randint(samples, (), generator=generator))]
        if of:
            _choose_within(example, motion, next(iter(of.values())), kept)
    return motion


def _choose_within(example: Example, motion: Motion, sample: Tensor, kept: Tensor) -> None:
    """Chooses the nodes and the edges of the samples that are kept, where samples lie one after the other."""
    nodes = torch.cat([(sample == k).nonzero()[:, 0] for k in kept])
    motion.chosen["nodes"] = nodes
    if any(law.edges is not None for law in example.laws.values()):
        of_edges = sample[_sources(example)]
        motion.chosen["edges"] = torch.cat([(of_edges == k).nonzero()[:, 0] for k in kept])


def _sources(example: Example) -> Tensor:
    """One end of each edge."""
    name, law = next((n, law) for n, law in example.laws.items() if law.counts == "nodes" and law.edges is not None)
    return example.tensors[name].movedim(law.edges or 0, 0).reshape(_count(example, "edges"), -1)[:, 0]


def _count(example: Example, what: str) -> int:
    """Returns the number of nodes, edges or samples."""
    for name, law in example.laws.items():
        if (axis := getattr(law, what)) is not None:
            return example.tensors[name].shape[axis[0] if isinstance(axis, tuple) else axis]
        if what == "samples" and law.counts == what:
            return int(example.tensors[name].max()) + 1
    raise ValueError(f"no tensor lists {what}")


def error(example: Example, module: nn.Module, motion: Motion, noise: float = 0.0) -> float:
    """The largest ||f(g x) - g f(x)|| / ||g f(x)|| of all results. ``noise`` changes the inputs beside the motion."""

    def run(tensors: dict[str, Tensor]) -> tuple[Tensor, ...]:
        found: Any = module(*example.pack({name: value.clone() for name, value in tensors.items()}))
        return tuple(value.detach().clone() for value in example.unpack(found))

    given = {name: _exact(value, example.laws[name]) for name, value in example.tensors.items()}
    turned = {name: moved(value, example.laws[name], motion) for name, value in given.items()}
    if noise:
        turned |= {n: v * (1 + noise * torch.randn(v.shape)) for n, v in turned.items() if v.is_floating_point()}
    after = run(turned)
    wanted = [moved(value, law, motion) for value, law in zip(run(given), example.results, strict=True)]
    errors = [float((a - w).norm() / w.norm().clamp(min=1e-300)) for a, w in zip(after, wanted, strict=True)]
    return max(value if math.isfinite(value) else math.inf for value in errors)


def _exact(value: Tensor, law: Law) -> Tensor:
    """In float64; points are multiples of `GRID`, so that a shift rounds nothing."""
    value = value.double() if value.is_floating_point() else value
    return (value / GRID).round() * GRID if law.moves == "point" else value


def perturbed(module: nn.Module, generator: torch.Generator) -> nn.Module:
    """A copy with other weights and, where it normalizes by stored statistics, with others of these."""
    module = copy.deepcopy(module)
    with torch.no_grad():
        for weight in module.parameters():
            scale = 0.1 * weight.std(correction=0) + 0.05 if weight.numel() else 0.0
            weight.add_(scale * torch.randn(weight.shape, generator=generator))
        for name, buffer in module.named_buffers():
            if name.endswith("running_mean"):
                buffer.add_(0.1 * torch.randn(buffer.shape, generator=generator))
            if name.endswith("running_var"):
                buffer.mul_(torch.exp(0.3 * torch.randn(buffer.shape, generator=generator)))
    return module


def compared(example: Example) -> dict[str, float]:
    """Symmetry -> the largest error of 16 elements, with the given and with perturbed weights, in evaluation mode.

    `LAST_BIT` -> what noise in the last bit of the inputs does in place of a motion.
    """
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        generator = torch.Generator().manual_seed(0)
        given = copy.deepcopy(example.module).double().eval()
        modules = given, perturbed(given, generator)
        found = {}
        with example.in_double():
            for symmetry in example.symmetries:
                count = 1 if symmetry == "inversion" else ELEMENTS
                motions = [draw(symmetry, example, generator) for _ in range(count)]
                found[symmetry] = max(error(example, module, motion) for module in modules for motion in motions)
            still = Motion(torch.eye(3), torch.zeros(3), {})
            found[LAST_BIT] = max(error(example, module, still, noise=2e-16) for module in modules for _ in range(4))
        return found
    finally:
        torch.set_default_dtype(before)
