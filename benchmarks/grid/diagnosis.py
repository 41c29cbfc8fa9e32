"""The steerable network, diagnosed: `python -m benchmarks.grid.diagnosis`.

Writes its section of docs/results/steerable3d.md.
"""

import torch

import equivariance as eq
from benchmarks.made import made_with
from benchmarks.sections import write_section
from equivariance.api import diagnose_subject
from equivariance.settings import Settings
from equivariance_zoo.steerable3d.subjects import steerable3d

CASES = {"shifts and rotations of the lattice": ["lattice"], "any shifts and rotations": "se3", "samples": ["batch"]}
CLAIMS = ("translation", "rotation", "batch")
SAMPLES = 4


def rows(name: str, report: eq.Report) -> list[str]:
    """A line for each symmetry."""
    made = []
    for symmetry in report.symmetries:
        layers = [row for row in report.layers if row.symmetry == symmetry]
        output = next(row for row in layers if row.layer == "")
        verdicts = ", ".join(sorted({row.verdict for row in layers}))
        made.append(
            f"| {name} | {symmetry} | {output.accumulated:.1e} | {max(row.accumulated for row in layers):.1e} | "
            f"{max(row.introduced for row in layers if row.layer):.1e} | {verdicts} | {len(report.findings)} |"
        )
    return made


def main() -> None:
    """Diagnose, print, write."""
    torch.set_num_threads(1)
    lines = []
    for name, group in CASES.items():
        lines += rows(name, diagnose_subject(steerable3d(), group, Settings(samples=SAMPLES, claims=CLAIMS)))
        print("\n".join(lines), flush=True)
    where = made_with(("torch", "e3nn", "scipy"), "1 thread")
    columns = ("elements", "symmetry", "output", "worst layer", "by itself", "verdicts", "findings")
    head = f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|\n"
    write_section(
        "Diagnosis",
        f"Made by `python -m benchmarks.grid.diagnosis` with {where}: the "
        f"subject of `python -m equivariance.diagnose --subject steerable3d`, {SAMPLES} samples. Relative errors in "
        "float64: of the network's output, the largest at the output of a layer, and the largest that a layer makes by "
        "itself. Between the cells they are the grid's own: within what is measured to be open at every place.\n\n"
        + head
        + "\n".join(lines),
    )


if __name__ == "__main__":
    main()
