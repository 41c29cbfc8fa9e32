"""Cases of the benchmark: a small network, its claims, and for a planted defect the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import nn

from equivariance import Contract

BOTH = ("float32", "float64")
WANDER = 0.1
"""Size of the noise on every parameter: a bias of zero, or a weight of one, hides a violation."""


@dataclass(frozen=True)
class Example:
    """A network with inputs, and how these and its output transform, in the words of ``equivariance.diagnose``.

    ``contracts`` declare inner layers, for the setting in which somebody has done so.
    """

    module: nn.Module
    args: tuple[torch.Tensor, ...]
    irreps_in: tuple[object, ...]
    irreps_out: object
    contracts: Mapping[str, Contract] = field(default_factory=dict)


@dataclass(frozen=True)
class Truth:
    """The right answer about a planted defect.

    ``layers`` are the modules that may be named, the innermost one first; ``causes`` likewise; ``symmetries`` are all
    that the defect breaks, the telling one first. The statement is looked up by ``marker`` in the sources.
    """

    layers: tuple[str, ...]
    symmetries: tuple[str, ...]
    causes: tuple[str, ...]
    marker: str


@dataclass(frozen=True)
class Case:
    """A network that is sound (``truth`` is None) or has one planted defect.

    ``groups`` are claimed; ``build`` is called with a seeded generator; ``origin`` names the thread of a bug report
    that the mechanism is taken from, ``requires`` a package beyond those of the harness;
    ``declares`` says whether there are contracts of inner layers.
    """

    name: str
    style: str
    build: Callable[[], Example]
    groups: tuple[str, ...]
    truth: Truth | None = None
    origin: str = ""
    dtypes: tuple[str, ...] = BOTH
    requires: str = ""
    declares: bool = True

    def example(self, seed: int, dtype: torch.dtype) -> Example:
        """The network of a seed, with its constants in ``dtype``, in evaluation mode."""
        default = torch.get_default_dtype()
        torch.set_default_dtype(dtype)
        try:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                example = self.build()
                with torch.no_grad():
                    for parameter in example.module.parameters():
                        parameter.add_(WANDER * torch.randn_like(parameter))
        finally:
            torch.set_default_dtype(default)
        example.module.eval()
        return example


@dataclass(frozen=True)
class Planting:
    """One defect that a style of network knows to plant into any of its layers.

    ``inner`` are the modules within that layer that may be named, "" for the layer itself.
    """

    name: str
    cause: str | tuple[str, ...]
    symmetry: str
    also: tuple[str, ...] = ()
    inner: tuple[str, ...] = ("",)
    origin: str = ""
    dtypes: tuple[str, ...] = BOTH


Network = Callable[[str, int], Example]
"""Builds the network of a style with the named defect ("" for none) in the layer of that number."""


def planted(
    style: str, network: Network, plantings: tuple[Planting, ...], groups: tuple[str, ...],
    depths: tuple[int, ...] = (0, 2), requires: str = "", declares: bool = True,
) -> tuple[Case, ...]:  # fmt: skip
    """The sound network of a style, and one case per defect and depth."""
    found = [Case(f"{style}-sound", style, lambda: network("", 0), groups, requires=requires)]
    for planting in plantings:
        causes = (planting.cause,) if isinstance(planting.cause, str) else planting.cause
        for depth in depths:
            layers = tuple(f"layers.{depth}.{inner}".rstrip(".") for inner in planting.inner)
            truth = Truth(layers, (planting.symmetry, *planting.also), causes, planting.name)

            def build(name: str = planting.name, depth: int = depth) -> Example:
                return network(name, depth)

            case = Case(
                f"{planting.name}@{depth}",
                style,
                build,
                groups,
                truth,
                planting.origin,
                planting.dtypes,
                requires,
                declares,
            )
            found.append(case)
    return tuple(found)
