"""Compares and diagnoses the cases of one repository, in the environment that has it, and prints JSON.

``python -m nightly_tests.cloned.worker CASES plain`` compares only, and imports nothing of `equivariance`.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch

from nightly_tests.cloned.example import Example
from nightly_tests.cloned.plain import compared


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"


def plain(make: Callable[[], Example]) -> dict[str, Any]:
    """The errors of the plain comparison, or what it raised."""
    torch.manual_seed(0)
    try:
        return {"plain": compared(make())}
    except Exception as error:  # whatever a repository says
        return {"plain": {}, "plain_obstacle": _said(error)}


def diagnosed(make: Callable[[], Example]) -> dict[str, Any]:
    """Returns the verdicts of the harness with nothing declared, or the error that it raised."""
    import equivariance as eq

    torch.manual_seed(0)
    example = make()
    arguments = example.pack(example.tensors)
    start = time.perf_counter()
    try:
        report = eq.diagnose(example.module, arguments)
    except Exception as error:  # whatever a repository says
        return {"obstacle": _said(error), "seconds": round(time.perf_counter() - start, 1)}
    return {
        "seconds": round(time.perf_counter() - start, 1),
        "verdicts": [
            {"symmetry": v.symmetry, "verdict": v.verdict, "words": v.words, "claimed": v.claimed, "error": v.error,
             "basis": v.basis}
            for v in report.verdicts
        ],
        "findings": [
            {"symmetry": symmetry, "cause": f.cause, "layer": f.layer, "error": f.error, "located": f.located,
             "line": f.location.line if f.location else 0, "source": f.location.source if f.location else ""}
            for f in report.findings for symmetry in f.symmetries
        ],
    }  # fmt: skip


def main(cases: str, only: str = "") -> None:
    """Print every case."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    module = import_module(f"nightly_tests.cloned.cases.{cases}")
    found = []
    for name, make in module.CASES.items():
        compared_only = only == "plain"
        found.append({"case": name, **plain(make), **({} if compared_only else diagnosed(make))})
    print("\n" + json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
