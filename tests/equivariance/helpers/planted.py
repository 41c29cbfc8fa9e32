"""Networks of the benchmark of planted defects, by name."""

from __future__ import annotations

from typing import Any

import torch

import equivariance as eq
from benchmarks.defects.case import Case
from benchmarks.defects.catalogue import CASES


def case_of(name: str) -> Case:
    (case,) = (case for case in CASES if case.name == name)
    return case


def diagnosed(name: str, **options: Any) -> eq.Report:
    """In float64, with three samples."""
    case = case_of(name)
    example = case.example(0, torch.float64)
    return eq.diagnose(
        example.module, example.args, example.irreps_in, example.irreps_out, group=list(case.groups), samples=3,
        **options,
    )  # fmt: skip
