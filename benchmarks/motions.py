"""Heatmaps of a face under rigid motions: `python -m benchmarks.motions`, written to docs/results/motions.md."""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.made import made_with
from equivariance.report.files import write_text
from equivariance_zoo import faces
from se3unet import SE3Unet

PAGE = Path(__file__).parent.parent / "docs" / "results" / "motions.md"
MOTIONS, MAX_TRANSLATION, SEED, THREADS = 200, 10.0, 0, 1
PERTURBATIONS = (0.0, 0.1)
HEAD = (
    "| weights moved by | largest difference | median of the largest | spread of a heatmap |",
    "|---|---|---|---|",
)


def network(perturbation: float) -> nn.Module:
    """Our network with seeded weights, each moved by ``perturbation`` times a normal number."""
    torch.manual_seed(SEED)
    model = SE3Unet().eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter.add_(perturbation * torch.randn_like(parameter))
    return model


def differences(model: nn.Module, face: Tensor) -> list[float]:
    """The largest absolute difference of the heatmaps [1024, 68] to those of the face as it is, for each motion."""
    random = np.random.default_rng(SEED)
    expected = model(face)
    motions = [faces.random_motion(random, MAX_TRANSLATION) for _ in range(MOTIONS)]
    return [float((model(m.apply(face)) - expected).abs().max()) for m in motions]


def line(face: Tensor, perturbation: float) -> str:
    """One line of the table."""
    model = network(perturbation)
    found = differences(model, face)
    spread = float(model(face).std(0).mean())
    cells = [f"{perturbation:g}", f"{max(found):.1e}", f"{np.median(found):.1e}", f"{spread:.1e}"]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Measure, print, write."""
    argparse.ArgumentParser(prog="python -m benchmarks.motions", description=__doc__).parse_args()
    torch.set_num_threads(THREADS)
    face = faces.sample(1).positions[0]
    rows = [line(face, perturbation) for perturbation in PERTURBATIONS]
    where = made_with(("torch", "numpy", "scipy"), "CPU", f"{THREADS} thread")
    text = (
        "# Heatmaps under rigid motions\n\n"
        f"Made by `python -m benchmarks.motions` with {where}.\n\n"
        f"One built-in face of 1,024 points under {MOTIONS} rigid motions: rotations uniform over SO(3),\n"
        f"translations uniform within {MAX_TRANSLATION:g} units along each axis (a face is 2 units wide), applied in\n"
        "float64 and rounded to float32. Our network in float32 with seeded random weights, as they are and moved by\n"
        "random numbers. Absolute differences of the 1,024 x 68 heatmap values, which lie between 0 and 1; the\n"
        "spread is the standard deviation of a heatmap over the points, averaged over the 68.\n\n"
        f"{chr(10).join([*HEAD, *rows])}\n"
    )
    print(text)
    write_text(PAGE, text)


if __name__ == "__main__":
    main()
