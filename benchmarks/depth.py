"""The cost of a diagnosis over depth and number of transforms: `python -m benchmarks.depth`.

Writes its section of docs/results/costs.md, and docs/images/costs_depth.png.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from benchmarks.charts import Panel, draw
from benchmarks.costs import PAGE, SEED, THREADS, Subject, diagnosed, sampled, seconds, subjects
from benchmarks.made import made_with
from benchmarks.sections import write_section
from equivariance.contracts.layers import layer_contracts
from se3unet.subjects import se3unet

IMAGE = PAGE.parent.parent / "images" / "costs_depth.png"
DEPTHS, TRANSFORMS = (4, 8, 16, 32, 64), (4, 8, 16, 32, 64)
SAMPLES, DEPTH, PASSES = 8, 8, 15
LIE_PASSES, DOUBLE = 100, 2
"""Forward-backward passes per layer, and in how many of them a double-backward is counted."""


@dataclass(frozen=True)
class Costs:
    """CPU seconds.

    Attributes:
        forward: of a forward pass of the network in float64, without gradients.
        backward: of a forward and backward pass.
        both: of the accumulated and the introduced errors of all layers under one transform.
        introduced: of the introduced errors alone, as most samples are measured.
        whole: of the diagnosis, with all that is done once.
    """

    forward: float
    backward: float
    both: float
    introduced: float
    whole: float

    def lie(self, depth: int) -> float:
        """The layerwise Lie derivative, by its cost model (Gruver et al. 2022): forward passes per transform."""
        return depth * (LIE_PASSES + DOUBLE) * self.backward / self.forward


def measured(subject: Subject, depth: int, samples: int) -> Costs:
    """Of a sound network in float64."""
    network, args = subject.network(False, torch.float64, depth)
    with torch.no_grad():
        forward = statistics.median(seconds(lambda: network(*args)) for _ in range(PASSES))
    backward = statistics.median(seconds(lambda: _backward(network, args)) for _ in range(PASSES))
    with sampled(samples) as both:
        diagnosed(subject, network, args, samples)
    with sampled(0) as introduced:
        whole = seconds(lambda: diagnosed(subject, network, args, samples))
    return Costs(forward, backward, statistics.median(both), statistics.median(introduced), whole)


def _backward(network: nn.Module, args: Sequence[Tensor]) -> None:
    outputs = [leaf for leaf in tree_leaves(network(*args)) if isinstance(leaf, Tensor)]
    torch.stack([output.square().sum() for output in outputs]).sum().backward()


def unet() -> Subject:
    """The SE(3)-Unet on two faces of 1,024 points, whose layers declare what they take and give."""
    found = se3unet()
    return Subject(
        "SE(3)-Unet, 2 x 1,024 points", lambda _broken, _depth: se3unet().module, found.args, list(found.irreps_in),
        found.irreps_out, layer_contracts(found.module, found.contracts),
    )  # fmt: skip


HEAD = (
    "| network | layers | a pass | both errors, per transform | introduced alone, per transform "
    "| both, ms per layer | whole diagnosis | Lie derivative, layer by layer |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)
TRANSFORMS_HEAD = "| network | transforms of each symmetry | whole diagnosis |\n| --- | ---: | ---: |"


def text(
    over_depth: Mapping[str, Mapping[int, Costs]],
    over_transforms: Mapping[str, Mapping[int, Costs]],
    others: Mapping[str, tuple[int, Costs]],
    where: str,
) -> str:
    """The section; ``others`` are networks of one depth."""
    rows = [_row(name, depth, c) for name, costs in over_depth.items() for depth, c in costs.items()]
    rows += [_row(name, *found) for name, found in others.items()]
    more = [
        f"| {name} | {count} | {c.whole / c.forward:,.0f} |"
        for name, costs in over_transforms.items()
        for count, c in costs.items()
    ]
    return (
        f"Made by `python -m benchmarks.depth` with {where}.\n\n"
        "Networks in float64, `eq.diagnose` with translations and rotations. Figures are CPU times divided by that of\n"
        "one forward pass of the network, where not said otherwise; those per transform are medians over samples.\n"
        "*both errors*: accumulated and introduced, of all layers, one plain transformed pass and one on exactly\n"
        "transformed activations; *introduced alone*: as all but two samples are measured. *whole diagnosis*: of\n"
        f"{SAMPLES} transforms of each symmetry and all that is done once. *Lie derivative*: a model, not a\n"
        f"measurement, of {LIE_PASSES} passes forward and backward and one double-backward per layer (Gruver et al.\n"
        f"2022) for one transform, counted as {LIE_PASSES + DOUBLE} passes forward and backward as measured here.\n"
        "A layer of the first three is made of up to 10 modules, each of which is compared; those of the SE(3)-Unet\n"
        "are its modules.\n\n"
        + "\n".join([HEAD, *rows])
        + f"\n\n![Costs over depth](../images/{IMAGE.name})\n\n"
        + f"Over the number of transforms, at {DEPTH} layers:\n\n"
        + "\n".join([TRANSFORMS_HEAD, *more])
    )


def _row(name: str, depth: int, costs: Costs) -> str:
    passes = [costs.both, costs.introduced]
    cells = [
        name,
        str(depth),
        f"{1e3 * costs.forward:.1f} ms",
        *(f"{p / costs.forward:.2f}" for p in passes),
        f"{1e3 * costs.both / depth:.2f}",
        f"{costs.whole / costs.forward:,.0f}",
        f"{costs.lie(depth):,.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def chart(path: Path, over_depth: Mapping[str, Mapping[int, Costs]]) -> None:
    """Passes over depth, and time per layer."""
    passes = {n: {depth: c.both / c.forward for depth, c in costs.items()} for n, costs in over_depth.items()}
    lie = {
        f"Lie derivative (model): {name}": {depth: c.lie(depth) for depth, c in costs.items()}
        for name, costs in over_depth.items()
    }
    layers = {name: {d: 1e3 * c.both / d for d, c in costs.items()} for name, costs in over_depth.items()}
    draw(
        path,
        "layers",
        [
            Panel("both errors, passes per transform", {**passes, **lie}),
            Panel("both errors, ms per layer", layers),
        ],
    )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.depth", description=__doc__)
    parser.add_argument("--output", type=Path, default=PAGE, help="the page of which it is a section")
    parser.add_argument("--image", type=Path, default=IMAGE)
    options = parser.parse_args()
    torch.set_num_threads(THREADS)
    torch.manual_seed(SEED)
    over_depth: dict[str, dict[int, Costs]] = {}
    over_transforms: dict[str, dict[int, Costs]] = {}
    for subject in subjects():
        for found, sizes in ((over_depth, DEPTHS), (over_transforms, TRANSFORMS)):
            deep = found is over_depth
            found[subject.name] = {}
            for size in sizes:
                costs = measured(subject, size if deep else DEPTH, SAMPLES if deep else size)
                found[subject.name][size] = costs
                print(subject.name, size, costs, flush=True)
    real = unet()
    others = {real.name: (len(real.contracts), measured(real, 0, SAMPLES))}
    print(others, flush=True)
    where = made_with(("torch", "e3nn", "numpy", "scipy"), "CPU", f"{THREADS} thread")
    write_section("Over depth and transforms", text(over_depth, over_transforms, others, where), options.output)
    chart(options.image, over_depth)


if __name__ == "__main__":
    main()
