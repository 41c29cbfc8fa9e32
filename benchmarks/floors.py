"""Rounding floors of standard layers per dtype: `python -m benchmarks.floors`, written to docs/results/floors.md."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from e3nn import nn as enn
from e3nn import o3
from torch import Tensor, nn

import equivariance as eq
from benchmarks.made import made_with
from equivariance._engine.measurement.verdict import CONFIDENCE
from equivariance.report.files import write_text

PAGE = Path(__file__).parent.parent / "docs" / "results" / "floors.md"
DTYPES = (torch.float64, torch.float32, torch.bfloat16)
POINTS, SAMPLES, THREADS, SEED = 64, 32, 1, 0
FEATURES = "8x0e+8x1o+4x2e"
CLOUD = "cartesian_points"


class DistanceMLP(nn.Module):
    """Sum over the points of an MLP on their distances."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, 32), nn.SiLU(), nn.Linear(32, 8))

    def forward(self, positions: Tensor) -> Tensor:
        return self.net((positions[:, None] - positions).norm(dim=-1, keepdim=True)).sum(1)


class Attention(nn.Module):
    """Edge vectors weighted by a softmax over functions of their lengths."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Linear(1, 8)

    def forward(self, positions: Tensor) -> Tensor:
        edges = positions[:, None] - positions
        weights = self.logits(edges.norm(dim=-1, keepdim=True)).softmax(1)
        return torch.einsum("ijc,ijx->icx", weights, edges)


class NormLayerNorm(nn.Module):
    """LayerNorm on the norms of vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(16)

    def forward(self, vectors: Tensor) -> Tensor:
        return self.norm(vectors.norm(dim=-1))


class Harmonics(nn.Module):
    """Spherical harmonics of the directions from the centroid."""

    def forward(self, positions: Tensor) -> Tensor:
        return o3.spherical_harmonics([0, 1, 2, 3], positions - positions.mean(0), normalize=True)


class Cdist(nn.Module):
    """All distances, from expanded squares: what torch.cdist does beyond 25 points."""

    def forward(self, positions: Tensor) -> Tensor:
        return torch.cdist(positions, positions)


@dataclass(frozen=True)
class Case:
    """A layer, the shapes of its inputs, and how these and its output transform."""

    name: str
    build: Callable[[], nn.Module]
    shapes: tuple[tuple[int, ...], ...]
    irreps_in: object
    irreps_out: object


def gate() -> nn.Module:
    return enn.Gate("8x0e", [torch.nn.functional.silu], "8x0e", [torch.sigmoid], "8x1o")


def product() -> nn.Module:
    return o3.FullyConnectedTensorProduct(FEATURES, "0e+1o+2e", FEATURES)


CASES = (
    Case("e3nn `Linear`", lambda: o3.Linear(FEATURES, FEATURES), ((POINTS, 52),), FEATURES, FEATURES),
    Case("e3nn `FullyConnectedTensorProduct`", product, ((POINTS, 52), (POINTS, 9)), (FEATURES, "0e+1o+2e"), FEATURES),
    Case("e3nn `Gate`", gate, ((POINTS, 40),), "16x0e+8x1o", "8x0e+8x1o"),
    Case("spherical harmonics, degrees 0 to 3", Harmonics, ((POINTS, 3),), CLOUD, "0e+1o+2e+3o"),
    Case("MLP on distances", DistanceMLP, ((POINTS, 3),), CLOUD, None),
    Case("softmax attention over the points", Attention, ((POINTS, 3),), CLOUD, "1x1o"),
    Case("LayerNorm on norms of vectors", NormLayerNorm, ((POINTS, 16, 3),), "1x1o", None),
    Case("`torch.cdist`, 64 points", Cdist, ((POINTS, 3),), CLOUD, None),
)


def measured(case: Case, dtype: torch.dtype) -> eq.Report:
    """The report on a layer; its constants are made in float64 for float64, else in float32."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64 if dtype == torch.float64 else torch.float32)
    try:
        torch.manual_seed(SEED)
        module = case.build().to(dtype)
        inputs = tuple(torch.randn(shape).to(dtype) for shape in case.shapes)
    finally:
        torch.set_default_dtype(default)
    group = "se3" if case.irreps_in == CLOUD else "so3"
    return eq.check(module, inputs, case.irreps_in, case.irreps_out, group=group, samples=SAMPLES, seed=SEED)


def cell(report: eq.Report, row: eq.LayerRow) -> str:
    """Error and floor in the working precision, then the verdict if it is another than clean, and the notes."""
    words = {row.verdict} - {"clean"} | {n.cause for n in report.notes if row.symmetry in n.symmetries}
    return f"{row.working:.1e} / {row.noise_floor:.1e}" + "".join(f", {word}" for word in sorted(words))


def lines(case: Case) -> list[str]:
    """A line of the table for each symmetry."""
    reports = [measured(case, dtype) for dtype in DTYPES]
    result = []
    for rows in zip(*(r.layers for r in reports), strict=True):
        cells = [cell(report, row) for report, row in zip(reports, rows, strict=True)]
        floor = max(rows[0].noise_floor, 4 * torch.finfo(torch.float64).eps)
        result.append(f"| {' | '.join([case.name, rows[0].symmetry, *cells, f'{rows[0].introduced / floor:.2g}'])} |")
    return result


def table() -> str:
    """The whole table in Markdown."""
    names = [str(dtype).removeprefix("torch.") for dtype in DTYPES]
    head = f"| layer | under | {' | '.join(names)} | error in floors, float64 |"
    return "\n".join([head, "|---|---|---|---|---|---:|", *(line for case in CASES for line in lines(case))])


def main() -> None:
    """Measure, print, write."""
    argparse.ArgumentParser(prog="python -m benchmarks.floors", description=__doc__).parse_args()
    torch.set_num_threads(THREADS)
    where = made_with(("torch", "e3nn", "numpy", "scipy"), "CPU", f"{THREADS} thread")
    text = (
        "# Measured floors\n\n"
        f"Made by `python -m benchmarks.floors` with {where}.\n"
        f"{POINTS} points, {SAMPLES} elements per symmetry, seed {SEED}, random weights.\n\n"
        "A cell holds the largest error and the largest floor in that dtype, both relative; then the verdict and the\n"
        "notes, where there are any. The last column is the float64 error over the larger of its floor and 4 eps;\n"
        f"the limit is {CONFIDENCE:.0f}, and more under translations.\n\n"
        f"{table()}\n"
    )
    print(text)
    write_text(PAGE, text)


if __name__ == "__main__":
    main()
