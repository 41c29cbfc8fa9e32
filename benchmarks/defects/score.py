"""Scores what the harness reports about a case."""

from __future__ import annotations

import copy
import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import torch

import equivariance as eq
from benchmarks.defects.case import Case, Example, Truth
from benchmarks.defects.catalogue import statements
from benchmarks.defects.direct import error
from benchmarks.defects.peers import NOTHING, Peer, first_red_layer, library_assertion

SETTINGS = ("bare", "declared")
"""Only the network's own inputs and output are declared; or inner layers too, in the cases that declare them."""
EXACT = 1e-8
"""Relative error up to which a law holds in float64: couplings of e3nn that were rounded to float32 leave 1e-9."""
DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True)
class Task:
    """One diagnosis."""

    case: str
    dtype: str
    seed: int
    setting: str


@dataclass(frozen=True)
class Outcome:
    """The scores of one diagnosis; for a sound case only ``alarms`` and ``failed`` say something.

    ``detected``: a finding under one of the symmetries that are broken. ``symmetry``, ``layer``, ``statement``,
    ``cause``: right in the largest finding under the telling symmetry; ``confirmed``: its statement was proven by
    intervention. ``alarms``: findings under a symmetry that holds or at a layer that is sound. ``said``: the findings
    in words. ``failed``: the exception, where one was raised. ``inert``: nothing was found, and nothing is broken: with
    these weights the planted statement has no effect, as a check without the harness says.
    """

    task: Task
    detected: bool = False
    symmetry: bool = False
    layer: bool = False
    statement: bool = False
    cause: bool = False
    confirmed: bool = False
    alarms: int = 0
    said: str = ""
    failed: str = ""
    inert: bool = False
    seconds: float = 0.0
    assertion: Peer = NOTHING
    hooks: Peer = NOTHING


def outcome(case: Case, task: Task) -> Outcome:
    """Diagnose one case; the peers are asked in the bare setting only."""
    dtype = DTYPES[task.dtype]
    example = case.example(task.seed, dtype)
    contracts = example.contracts if task.setting == "declared" else {}
    start = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            report = eq.diagnose(
                example.module, example.args, example.irreps_in, example.irreps_out, group=list(case.groups),
                contracts=contracts, seed=task.seed,
            )  # fmt: skip
    except Exception as error:
        return Outcome(task, failed=f"{type(error).__name__}: {error}", seconds=time.perf_counter() - start)
    seconds = time.perf_counter() - start
    peers = _peers(case, example, task) if task.setting == "bare" else {}
    said = "; ".join(map(_said, report.findings))
    if case.truth is None:
        return Outcome(task, alarms=len(report.findings), said=said, seconds=seconds, **peers)
    layers = case.truth.layers if task.setting == "bare" else _declared(case.truth, example)
    scores = _scores(case.truth, layers, report)
    inert = not scores["detected"] and _is_inert(case.truth, example, task.seed)
    return Outcome(task, **scores, said=said, inert=inert, seconds=seconds, **peers)


def _is_inert(truth: Truth, example: Example, seed: int) -> bool:
    """True if the network keeps in float64 the symmetry of its defect: units may be dead, a branch not taken."""
    args = tuple(a.double() if a.is_floating_point() else a for a in example.args)
    exact = replace(example, module=copy.deepcopy(example.module).double(), args=args)
    try:
        return all(error(exact.module, exact, symmetry, seed) <= EXACT for symmetry in truth.symmetries)
    except Exception:  # what a module says to float64
        return False


def _scores(truth: Truth, layers: tuple[str, ...], report: eq.Report) -> dict[str, bool | int]:
    telling = next((f for f in report.findings if truth.symmetries[0] in f.symmetries), None)
    found = {symmetry for f in report.findings for symmetry in f.symmetries}
    wrong = [f for f in report.findings if {*f.symmetries} - {*truth.symmetries} or {*f.layers} - {*layers}]
    return {
        "detected": bool(found & {*truth.symmetries}),
        "symmetry": telling is not None and found <= {*truth.symmetries},
        "layer": telling is not None and telling.layer in layers,
        "statement": telling is not None and _at(telling.location, truth.marker),
        "cause": telling is not None and any(_names(telling, cause) for cause in truth.causes),
        "confirmed": telling is not None and telling.located == "confirmed",
        "alarms": len(wrong),
    }


def _said(finding: eq.findings.Finding) -> str:
    layers, symmetries = ", ".join(map(_named, finding.layers)), ", ".join(finding.symmetries)
    return f"{layers} {symmetries} {finding.cause} {finding.located} {finding.location}"


def _names(finding: eq.findings.Finding, cause: str) -> bool:
    """True if a finding has a cause, or names it in its evidence as that of another one of its symmetries."""
    return finding.cause == cause or f"it is {cause}" in finding.evidence


def _at(location: eq.findings.Location | None, marker: str) -> bool:
    return location is not None and (Path(location.file).name, location.line) in statements()[marker]


def _declared(truth: Truth, example: Example) -> tuple[str, ...]:
    """The layers that may be named where ``example.contracts`` are known: those, or the next one that is declared."""
    known = {*example.contracts, ""}
    return (*truth.layers, *(max((k for k in known if _within(layer, k)), key=len) for layer in truth.layers))


def _within(layer: str, ancestor: str) -> bool:
    return ancestor in ("", layer) or layer.startswith(f"{ancestor}.")


def _named(layer: str) -> str:
    return layer or "the whole network"


def _peers(case: Case, example: Example, task: Task) -> dict[str, Peer]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "assertion": library_assertion(case, example, DTYPES[task.dtype], task.seed),
            "hooks": first_red_layer(case, example, task.seed),
        }
