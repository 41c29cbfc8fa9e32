"""Compares what the harness says about a mutant with the right answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.mutants.catalogue import CATALOGUE
from benchmarks.mutants.split import part

MECHANISM = {operator.name: operator.mechanism for operator in CATALOGUE}


@dataclass(frozen=True)
class Score:
    """The scores of one counted mutant. All but `part` and the counts are shares when they are averaged.

    Attributes:
        part: The part of the split.
        verdict: A finding names a symmetry that is broken.
        told: A broken symmetry is "broken" in the report, also where nobody claims it, and there is no finding.
        layer, statement: The first finding has it right.
        any_statement: One of the findings has the statement right.
        either: The first finding has it wrong by itself, but one of its alternatives is right.
        confirmed: The first finding is "confirmed".
        wrongly: Numbers of the "confirmed" findings that have the statement wrong.
        mechanism: The first finding names the mechanism; None where the operator has none of its own.
        findings, seconds, passes: Counts.
        missed: The reason why there is no answer, or "".
    """

    part: str
    verdict: bool = False
    told: bool = False
    layer: bool = False
    statement: bool = False
    any_statement: bool = False
    either: bool = False
    confirmed: bool = False
    wrongly: tuple[int, ...] = ()
    mechanism: bool | None = None
    findings: int = 0
    seconds: float = 0.0
    passes: int = 0
    missed: str = ""


def score(record: Mapping[str, Any]) -> Score:
    """Returns the scores of a counted mutant."""
    choice, judged = record["choice"], record["judged"]
    mine = part(choice["library"], choice["operator"])
    given = record["answer"].get("answer")
    if given is None or given.get("raised"):
        why = given["raised"] if given else next(f"{kind}: {said}" for kind, said in record["answer"].items())
        return Score(mine, missed=str(why), seconds=given["seconds"] if given else 0.0)
    findings, broken = given["findings"], {_kind(symmetry) for symmetry in judged["broken"]}
    right = [_at(finding, judged["right"]) for finding in findings]
    first = findings[0] if findings else None
    wanted = MECHANISM[choice["operator"]]
    return Score(
        part=mine,
        verdict=any(broken & {_kind(s) for s in f["symmetries"]} for f in findings),
        told=not findings and any(_kind(s) in broken and verdict == "broken" for s, verdict, *_ in given["verdicts"]),
        layer=first is not None and first["layer"] in judged["layers"],
        statement=bool(right) and right[0],
        any_statement=any(right),
        either=first is not None and not right[0] and any(_at(a, judged["right"]) for a in first["alternatives"]),
        confirmed=first is not None and first["located"] == "confirmed",
        wrongly=tuple(i for i, f in enumerate(findings) if f["located"] == "confirmed" and not right[i]),
        mechanism=(first is not None and first["mechanism"] == wanted) if wanted else None,
        findings=len(findings),
        seconds=given["seconds"],
        passes=given["passes"],
    )


def _kind(symmetry: str) -> str:
    """Returns the symmetry; the order of edges is a kind of permutation."""
    return "permutation" if symmetry == "edges" else symmetry


def _at(place: Mapping[str, Any], right: Sequence[Sequence[Any]]) -> bool:
    """Returns True if a place lies in one of the right statements (file, first line, last line)."""
    return any(place["file"] == file and first <= place["line"] <= last for file, first, last in right)


def false_alarms(control: Mapping[str, Any], limit: float) -> list[Mapping[str, Any]]:
    """Returns the findings on an unchanged module whose symmetries the plain comparison does not find broken.

    Args:
        control: The record of the module.
        limit: The relative error up to which a symmetry holds.
    """
    errors = control["compared"].get("answer", {"errors": {}})["errors"]
    broken = {_kind(symmetry) for symmetry, error in errors.items() if error > limit}
    findings: list[Mapping[str, Any]] = control["answer"].get("answer", {"findings": []})["findings"]
    return [f for f in findings if not broken & {_kind(s) for s in f["symmetries"]}]


def wilson(hits: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """Returns the Wilson interval of a share, at 95 % for the default `z`. (0, 1) if nothing was counted."""
    if not count:
        return 0.0, 1.0
    share, more = hits / count, z * z / count
    middle = (share + more / 2) / (1 + more)
    half = z / (1 + more) * math.sqrt(share * (1 - share) / count + more / (4 * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def share(scores: Sequence[Score], of: Callable[[Score], bool | None]) -> tuple[int, int]:
    """Returns how many of the scores hold, and how many say something."""
    said = [answer for answer in map(of, scores) if answer is not None]
    return sum(said), len(said)
