"""Writes the page of results. It shows operators, files and lines, never the source of a library."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from benchmarks.made import made_with
from benchmarks.mutants.catalogue import CATALOGUE
from benchmarks.mutants.libraries import LIBRARIES
from benchmarks.mutants.plain import HELD
from benchmarks.mutants.results.score import Score, false_alarms, score, share, wilson
from benchmarks.mutants.split import PARTS, held_out, part

Record = Mapping[str, Any]
SHARES: dict[str, Callable[[Score], bool | None]] = {
    "verdict": lambda s: s.verdict,
    "layer": lambda s: s.layer,
    "statement": lambda s: s.statement,
    "statement in any": lambda s: s.any_statement,
    "either A or B": lambda s: s.either,
    '"confirmed"': lambda s: s.confirmed,
    "wrongly": lambda s: bool(s.wrongly),
    "mechanism": lambda s: s.mechanism,
}
PREFACE = """One statement of a library from the package index is changed on its syntax tree, at a place that the seed
chooses among those that a forward pass runs. The mutant counts if a comparison in plain PyTorch in float64 (`plain.py`,
which imports nothing of `equivariance`) finds a claimed symmetry broken that held before. Nothing is declared to
`equivariance.diagnose`. *verdict*: a finding names a broken symmetry. *layer*, *statement*: the first finding has it
right: its place lies in the changed statement or, where the table of operators says so, in the statement that receives
the changed value. *either A or B*: the first finding is wrong, and an alternative that it names is right. *wrongly*: a
finding that says "confirmed" has the statement wrong. *mechanism*: the first finding names it, for operators that have
one. A mutant that takes more than 150 s, or at which the harness raises, is missed."""


def page(records: Sequence[Record], controls: Sequence[Record], command: str) -> str:
    """Returns the page in Markdown."""
    counted = [r for r in records if r["judged"]["status"] == "counted"]
    scores = [score(r) for r in counted]
    parts = ["# Mutants of real libraries", "", *_head(records, controls, command), "", PREFACE, ""]
    parts += ["## By part", "", *_groups(scores, [s.part for s in scores], PARTS), ""]
    libraries = [entry.name for entry in LIBRARIES]
    parts += ["## By library", "", *_groups(scores, [r["choice"]["library"] for r in counted], libraries), ""]
    operators = [entry.name for entry in CATALOGUE]
    parts += ["## By operator", "", *_groups(scores, [r["choice"]["operator"] for r in counted], operators), ""]
    parts += ["## Operators and their right answers", "", *_operators(), ""]
    parts += ["## Wrongly confirmed", "", *_wrongly(counted, scores), ""]
    parts += ["## Missed", "", *_missed(counted, scores), ""]
    parts += ["## Unchanged modules", "", *_controls(controls), ""]
    return "\n".join(parts)


def _head(records: Sequence[Record], controls: Sequence[Record], command: str) -> list[str]:
    status = Counter(r["judged"]["status"] for r in records)
    seeds = sorted({r["choice"]["seed"] for r in records})
    libraries = len({r["choice"]["library"] for r in records})
    machine = made_with(("torch", "e3nn"), f"{os.cpu_count()} cores", "1 thread per process")
    return [
        f"Made by `{command}` with {machine}.",
        f"Seeds {', '.join(map(str, seeds))}. {len(records)} mutants of {libraries} libraries:"
        f" {status['counted']} counted, {status['equivalent']} equivalent, {status['crashed']} crashed."
        f" {len(controls)} unchanged modules.",
    ]  # fmt: skip


def _groups(scores: Sequence[Score], groups: Sequence[str], names: Iterable[str]) -> list[str]:
    """Returns a table with a row for each group and one for all."""
    lines = [_line(["", "mutants", *SHARES, "findings", "s", "passes"]), _line(["---"] + ["---:"] * (len(SHARES) + 4))]
    for name in (*names, "all"):
        mine = [s for s, group in zip(scores, groups, strict=True) if name in (group, "all")]
        if mine:
            means = [sum(getattr(s, what) for s in mine) / len(mine) for what in ("findings", "seconds", "passes")]
            shares = [_percent(*share(mine, of)) for of in SHARES.values()]
            lines.append(
                _line([name, str(len(mine)), *shares, f"{means[0]:.2f}", f"{means[1]:.1f}", f"{means[2]:.0f}"])
            )
    return lines


def _percent(hits: int, count: int) -> str:
    """Returns the share with its interval, as in "97.0 % (91-99)"."""
    if not count:
        return ""
    low, high = wilson(hits, count)
    return f"{100 * hits / count:.1f} % ({100 * low:.1f}-{100 * high:.1f})"


def _operators() -> list[str]:
    lines = [_line(["operator", "", "change", "right", "mechanism", "the opposite of the fix"]), _line(["---"] * 6)]
    for entry in CATALOGUE:
        side = "held out" if held_out(entry.name) else "development"
        lines.append(_line([entry.name, side, entry.change, entry.right, entry.mechanism, entry.origin]))
    return lines


def told(record: Record) -> str:
    """Returns one mutant and everything that the harness says about it, in words."""
    choice, judged = record["choice"], record["judged"]
    line, column = choice["place"][:2]
    head = (
        f"{choice['library']}, {choice['module']}, {choice['operator']}, seed {choice['seed']}, {choice['file']}:{line}"
    )
    right = ", ".join(f"{file}:{first}" + (f"-{last}" if last > first else "") for file, first, last in judged["right"])
    said = record["answer"].get("answer") or record["answer"]
    broken = ", ".join(f"{symmetry} ({judged['errors'][symmetry]:.1g})" for symmetry in judged["broken"])
    layers = ", ".join(layer or "(the whole)" for layer in judged["layers"])
    lines = [f"{head} (column {column}): breaks {broken}; right: {right} in {layers}"]
    if said.get("raised") or "findings" not in said:
        return f"{lines[0]}; no answer: {said}"
    for number, finding in enumerate(said["findings"]):
        where = f"{finding['file']}:{finding['line']}" if finding["file"] else "no statement"
        lines.append(
            f"{number + 1}. {finding['located']} {where} in {', '.join(f or '(the whole)' for f in finding['layers'])}:"
            f" {', '.join(finding['symmetries'])}, {finding['cause']} {finding['mechanism']}: {finding['evidence']}"
        )
    if not said["findings"]:
        lines.append(f"nothing found; {'; '.join(f'{v[0]}: {v[-1]}' for v in said['verdicts'])}")
    return "; ".join(lines)


def _wrongly(counted: Sequence[Record], scores: Sequence[Score]) -> list[str]:
    return [f"- {told(r)}" for r, s in zip(counted, scores, strict=True) if s.wrongly] or ["None."]


def _missed(counted: Sequence[Record], scores: Sequence[Score]) -> list[str]:
    return [f"- {told(r)}" for r, s in zip(counted, scores, strict=True) if not s.verdict] or ["None."]


def _controls(controls: Sequence[Record]) -> list[str]:
    lines = [_line(["library", "module", "plain: broken", "findings", "not confirmed by plain", "s", "passes"]),
             _line(["---"] * 4 + ["---:"] * 3)]  # fmt: skip
    for control in controls:
        errors = control["compared"].get("answer", {"errors": {}})["errors"]
        broken = ", ".join(symmetry for symmetry, error in errors.items() if error > HELD)
        said = control["answer"].get("answer", control["answer"])
        findings = [f"{', '.join(f['symmetries'])} at {f['file']}:{f['line']}" for f in said.get("findings", ())]
        cells = [control["library"], control["module"], broken, "; ".join(findings) or str(said.get("raised", ""))]
        wrong = len(false_alarms(control, HELD))
        lines.append(_line([*cells, str(wrong), f"{said.get('seconds', 0):.1f}", str(said.get("passes", ""))]))
    return lines


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def mistakes(records: Sequence[Record]) -> list[str]:
    """Returns every counted mutant whose first finding is wrong or wrongly confirmed, or that has further findings."""
    found = []
    for record in (r for r in records if r["judged"]["status"] == "counted"):
        made = score(record)
        words = [
            "missed" if not made.verdict else "",
            "layer" if made.verdict and not made.layer else "",
            "statement" if made.verdict and not made.statement else "",
            "WRONGLY CONFIRMED" if made.wrongly else "",
            f"{made.findings} findings" if made.findings > 1 else "",
        ]
        if any(words):
            choice = record["choice"]
            side = part(choice["library"], choice["operator"])
            found.append(f"[{', '.join(filter(None, words))}] ({side}) {told(record)}")
    return found
