"""Defects planted on grids, and what is found: `python -m benchmarks.grid`.

Writes its section of docs/results/steerable3d.md.
"""

import argparse
import inspect
import re

import torch

from benchmarks.grid import layers
from benchmarks.grid.scenes import BETWEEN, PLANTED, diagnosed, planted_line
from benchmarks.made import made_with
from benchmarks.sections import write_section


def row(name: str, group: str) -> tuple[str, bool]:
    """A line of the table, and whether all of it is right."""
    symmetry, cause, _ = (PLANTED | BETWEEN)[name]
    findings = diagnosed(name, group).findings
    found = [(f.layer, f.symmetry, f.cause, f.location.line if f.location else None) for f in findings]
    right = found == [("middle", symmetry, cause, planted_line(name))]
    defect = inspect.getdoc(getattr(layers, name)).rstrip(".")
    shown = "; ".join(f"`{f.layer}`: {', '.join(f.symmetries)}, `{f.cause}`" for f in findings) or "nothing"
    source = findings[0].location.source.strip() if findings and findings[0].location else "-"
    statement = re.sub(r"\s*# PLANTED$", "", source)
    return f"| {defect} | {group} | {shown} | `{statement}` | {'yes' if right else 'NO'} |", right


def main() -> None:
    """Diagnose, print, write."""
    argparse.ArgumentParser(prog="python -m benchmarks.grid", description=__doc__).parse_args()
    torch.set_num_threads(1)
    rows = [row(name, "lattice") for name in PLANTED] + [row(name, "so3") for name in BETWEEN]
    where = made_with(("torch", "e3nn", "scipy"), "1 thread")
    head = "| planted in the middle layer | group | found | statement | right |\n|---|---|---|---|---|\n"
    write_section(
        "Planted defects",
        f"Made by `python -m benchmarks.grid` with {where}.\n\n"
        "A network of two steerable convolutions with gates, and a layer between them, on a smooth field of 10^3 cells "
        "that goes around. Right is the one layer, the symmetry, the cause and the line, and nothing else: "
        f"{sum(right for _, right in rows)} of {len(rows)}. The last one respects the whole lattice, and is found "
        "between its cells.\n\n" + head + "\n".join(line for line, _ in rows),
    )
    print("\n".join(line for line, _ in rows))


if __name__ == "__main__":
    main()
