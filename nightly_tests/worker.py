"""Diagnoses the cases of one library, in the environment that has it, and prints what was found as JSON."""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version

import torch

from equivariance import Finding, Report

Case = Callable[[], Report]


def told(name: str, case: Case) -> dict[str, object]:
    """One case: what was found, in how many layers, how long it took; or what it raised."""
    torch.manual_seed(0)
    start = time.perf_counter()
    try:
        report = case()
    except Exception as error:  # whatever a library says to a PyTorch that it does not know
        return {"case": name, "error": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}
    return {
        "case": name,
        "layers": len({row.layer for row in report.layers}),
        "symmetries": report.symmetries,
        "error_at_output": max((r.accumulated for r in report.layers if r.layer == ""), default=0.0),
        "findings": [
            {"layer": f.layer, "symmetry": symmetry, "cause": f.cause, "error": f.error, "evidence": f.evidence,
             "located": f.located, "source": f.location.source if f.location else "",
             "line": f.location.line if f.location else 0}
            for f in report.findings for symmetry in f.symmetries
        ],
        "notes": sorted({_told(n) for n in report.notes}),
        "seconds": round(time.perf_counter() - start, 1),
    }  # fmt: skip


def _told(note: Finding) -> str:
    what = f"{note.cause} in {note.layer or '(the whole)'}"
    return what if note.cause == "precision" else f"{what}: {note.evidence}"


def main(cases: str, distribution: str) -> None:
    """Print the version and every case."""
    warnings.simplefilter("ignore")
    module = import_module(f"nightly_tests.cases.{cases}")
    found = [told(name, case) for name, case in module.CASES.items()]
    print("\n" + json.dumps({"version": version(distribution), "cases": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
